//! Remembers what a transform worked out for a schema, by the schema's pointer.

use std::sync::Arc;

use ahash::AHashMap;

use crate::data::Schema;
use crate::plugin::Result;

/// A bounded memory from schemas to plans. It holds the schemas, so that their addresses stay their own.
pub(super) struct SchemaCache<T> {
    plans: Vec<(Arc<Schema>, T)>,
    by_pointer: AHashMap<usize, usize>,
    last: usize,
}

impl<T> Default for SchemaCache<T> {
    fn default() -> Self {
        Self { plans: Vec::new(), by_pointer: AHashMap::new(), last: 0 }
    }
}

impl<T> SchemaCache<T> {
    /// A connector has about one schema a table; a source that makes more starts over.
    const LIMIT: usize = 10_000;

    /// The plan of this schema, made at first sight.
    ///
    /// # Errors
    /// Those of `make`.
    #[inline]
    pub(super) fn get(&mut self, schema: &Arc<Schema>, make: impl FnOnce(&Arc<Schema>) -> Result<T>) -> Result<&T> {
        if !self.plans.get(self.last).is_some_and(|(known, _)| Arc::ptr_eq(known, schema)) {
            self.last = self.find(schema, make)?;
        }
        Ok(&self.plans[self.last].1)
    }

    fn find(&mut self, schema: &Arc<Schema>, make: impl FnOnce(&Arc<Schema>) -> Result<T>) -> Result<usize> {
        let pointer = Arc::as_ptr(schema) as usize;
        if let Some(index) = self.by_pointer.get(&pointer) {
            return Ok(*index);
        }
        let plan = make(schema)?;
        if self.plans.len() >= Self::LIMIT {
            self.plans.clear();
            self.by_pointer.clear();
        }
        self.plans.push((schema.clone(), plan));
        self.by_pointer.insert(pointer, self.plans.len() - 1);
        Ok(self.plans.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::SchemaKind;
    use crate::data::logical::plain;

    #[test]
    fn makes_a_plan_once_per_schema() {
        let mut cache = SchemaCache::default();
        let schemas = [plain(SchemaKind::Int32, false), plain(SchemaKind::Int32, false)];
        let mut made = 0;
        for _ in 0..3 {
            for schema in &schemas {
                cache
                    .get(schema, |_| {
                        made += 1;
                        Ok(())
                    })
                    .unwrap();
            }
        }
        assert_eq!(made, 2);
    }
}
