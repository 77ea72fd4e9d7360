//! Decides whether offsets that a client wants to store are a file source's.

use crate::plugin::{ConnectError, NewSourceOffsets, Result};

/// Forgetting is always allowed, so that whatever is stored can be cleaned up. The texts are those of Java's connector.
pub(super) fn check(file: Option<&str>, offsets: &NewSourceOffsets) -> Result<()> {
    let refuse = |why: &str| Err(ConnectError::config(why));
    if file.is_none() {
        return refuse(
            "Offsets cannot be modified if the 'file' configuration is unspecified. This is because stdin is used for input \
             and offsets are not tracked.",
        );
    }
    for (partition, offset) in offsets {
        let Some(offset) = offset else { continue };
        let Some(position) = offset.get("position") else {
            return refuse("Offset objects should either be null or contain the key 'position'");
        };
        match position.as_i64() {
            None => return refuse("The value for the 'position' key in the offset is expected to be a Long value"),
            Some(..0) => return refuse("The value for the 'position' key in the offset should be a non-negative value"),
            Some(_) => {}
        }
        match partition {
            None => return refuse("Partition objects cannot be null"),
            Some(partition) if !partition.contains_key("filename") => {
                return refuse("Partition objects should contain the key 'filename'");
            }
            Some(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Map, Value as Json};

    use super::*;

    fn map(text: &str) -> Option<Arc<Map<String, Json>>> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn only_positions_of_files_are_taken() {
        let ok = |partition, offset| check(Some("f"), &vec![(map(partition), map(offset))]).is_ok();
        for (partition, offset) in [
            (r#"{"filename":"f"}"#, r#"{"position":3}"#),
            (r#"{"filename":"g"}"#, "null"),
            ("null", "null"),
            (r#"{"x":1}"#, "null"),
        ] {
            assert!(ok(partition, offset), "{partition} {offset}");
        }
        for (partition, offset) in [
            (r#"{"filename":"f"}"#, "{}"),
            (r#"{"filename":"f"}"#, r#"{"position":"3"}"#),
            (r#"{"filename":"f"}"#, r#"{"position":3.0}"#),
            (r#"{"filename":"f"}"#, r#"{"position":-1}"#),
            (r#"{"x":1}"#, r#"{"position":3}"#),
            ("null", r#"{"position":3}"#),
        ] {
            assert!(!ok(partition, offset), "{partition} {offset}");
        }
        assert!(check(None, &vec![]).is_err());
    }
}
