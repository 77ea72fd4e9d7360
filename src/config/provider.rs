//! Replaces `${provider:path:key}` in settings by what files and the environment hold.
//!
//! Source: contracts/connect-runtime.md, section 1.8. Results are used and dropped, never stored or shown.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use regex::Regex;

use super::map::ConfigMap;
use super::parse::ConfigError;
use super::properties::{self, Encoding};

/// The providers that a worker's `config.providers` names.
#[derive(Clone, Default)]
pub struct Providers {
    by_name: BTreeMap<String, Provider>,
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

#[derive(Clone)]
enum Provider {
    Env { variables: BTreeMap<String, String>, allowed: Regex },
    File(AllowedPaths),
    Directory(AllowedPaths),
}

/// `None` allows every path.
#[derive(Clone)]
struct AllowedPaths(Option<Vec<PathBuf>>);

const CLASS_PREFIX: &str = "org.apache.kafka.common.config.provider.";
const KNOWN: [&str; 3] = ["EnvVarConfigProvider", "FileConfigProvider", "DirectoryConfigProvider"];

impl Providers {
    /// # Errors
    /// If a provider's class is missing or unknown, or one of its parameters is wrong.
    pub fn from_config(config: &ConfigMap) -> Result<Self, ConfigError> {
        let mut by_name = BTreeMap::new();
        let names = config.get("config.providers").unwrap_or_default();
        for name in names.split(',').filter(|name| !name.trim().is_empty()) {
            let class_key = format!("config.providers.{name}.class");
            let class = config.get(&class_key).map(str::trim).ok_or_else(|| {
                ConfigError::new(format!("Missing required configuration \"{class_key}\" which has no default value."))
            })?;
            let parameters = config.with_prefix(&format!("config.providers.{name}.param."));
            let provider = match class.strip_prefix(CLASS_PREFIX).unwrap_or(class) {
                "EnvVarConfigProvider" => env_provider(&parameters)?,
                "FileConfigProvider" => Provider::File(AllowedPaths::from_config(&parameters)?),
                "DirectoryConfigProvider" => Provider::Directory(AllowedPaths::from_config(&parameters)?),
                _ => {
                    let known = KNOWN.map(|class| format!("{CLASS_PREFIX}{class}")).join(", ");
                    return Err(ConfigError::invalid(
                        &class_key,
                        class,
                        &format!("this worker has no such config provider; known are {known}"),
                    ));
                }
            };
            by_name.insert(name.to_owned(), provider);
        }
        Ok(Self { by_name })
    }

    /// Replaces every variable of every value. A variable of an unknown provider, or one without a value, stays as
    /// it is written. Reads files, so callers keep it off the data path.
    ///
    /// # Errors
    /// If a file that a variable names cannot be read.
    pub fn resolve(&self, config: &ConfigMap) -> Result<ConfigMap, ConfigError> {
        let mut resolved = config.clone();
        for (key, value) in &mut resolved.0 {
            if let Some(text) = value
                && has_variable(text)
            {
                *text = self
                    .resolve_text(text)
                    .map_err(|error| ConfigError::new(format!("cannot resolve the variables of configuration {key}: {error}")))?;
            }
        }
        Ok(resolved)
    }

    fn resolve_text(&self, text: &str) -> Result<String, ConfigError> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(variable) = next_variable(rest) {
            out.push_str(&rest[..variable.start]);
            let found = match self.by_name.get(variable.provider) {
                Some(provider) => provider.get(variable.path, variable.key)?,
                None => None,
            };
            match found {
                Some(value) => out.push_str(&value),
                None => out.push_str(&rest[variable.start..variable.end]),
            }
            rest = &rest[variable.end..];
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// Whether resolving could change this text, in which case the result is to be treated as a secret.
pub fn has_variable(text: &str) -> bool {
    next_variable(text).is_some()
}

struct Variable<'a> {
    provider: &'a str,
    path: &'a str,
    key: &'a str,
    start: usize,
    end: usize,
}

/// Connect: ConfigTransformer, pattern `\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}`: the provider ends at the first colon,
/// the path at the second, the key at the first closing brace.
fn next_variable(text: &str) -> Option<Variable<'_>> {
    let mut from = 0;
    while let Some(found) = text[from..].find("${") {
        let start = from + found;
        let body_start = start + 2;
        let body_len = text[body_start..].find('}')?;
        let body = &text[body_start..body_start + body_len];
        if let Some((provider, rest)) = body.split_once(':') {
            let (path, key) = rest.split_once(':').unwrap_or(("", rest));
            return Some(Variable { provider, path, key, start, end: body_start + body_len + 1 });
        }
        from = body_start;
    }
    None
}

fn env_provider(parameters: &ConfigMap) -> Result<Provider, ConfigError> {
    let pattern = parameters.get("allowlist.pattern").unwrap_or(".*");
    let allowed = Regex::new(&format!("^(?:{pattern})$"))
        .map_err(|error| ConfigError::invalid("allowlist.pattern", pattern, &format!("Invalid regex: {error}")))?;
    // Values that are not UTF-8 cannot be settings; they are left out.
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect();
    Ok(Provider::Env { variables, allowed })
}

impl Provider {
    fn get(&self, path: &str, key: &str) -> Result<Option<String>, ConfigError> {
        match self {
            Self::Env { .. } if !path.is_empty() => Err(ConfigError::new(format!(
                "Path is not supported for EnvVarConfigProvider, invalid value '{path}'; write ${{provider:NAME}}"
            ))),
            Self::Env { variables, allowed } => Ok(variables.get(key).filter(|_| allowed.is_match(key)).cloned()),
            Self::File(allowed) => {
                if path.is_empty() {
                    return Ok(None);
                }
                let Some(path) = allowed.admit(path) else { return Ok(None) };
                let unreadable = |what: &dyn std::fmt::Display| {
                    ConfigError::new(format!("Could not read properties from file {}: {what}", path.display()))
                };
                let bytes = std::fs::read(&path).map_err(|error| unreadable(&error))?;
                let entries = properties::parse(&bytes, Encoding::Utf8).map_err(|error| unreadable(&error))?;
                Ok(entries.get(key).map(str::to_owned))
            }
            Self::Directory(allowed) => {
                if path.is_empty() || key.is_empty() || key.contains('/') {
                    return Ok(None);
                }
                let Some(path) = allowed.admit(path) else { return Ok(None) };
                if !path.is_dir() {
                    tracing::warn!("The path {} is not a directory", path.display());
                    return Ok(None);
                }
                let file = path.join(key);
                if !file.is_file() {
                    return Ok(None);
                }
                let text = std::fs::read_to_string(&file)
                    .map_err(|error| ConfigError::new(format!("Could not read file {}: {error}", file.display())))?;
                Ok(Some(text))
            }
        }
    }
}

impl AllowedPaths {
    fn from_config(parameters: &ConfigMap) -> Result<Self, ConfigError> {
        let Some(text) = parameters.get("allowed.paths").filter(|text| !text.is_empty()) else { return Ok(Self(None)) };
        let mut paths = Vec::new();
        for item in text.split(',') {
            let path = Path::new(item);
            if !path.is_absolute() {
                return Err(ConfigError::new(format!("Path {item} is not absolute")));
            }
            if !path.exists() {
                return Err(ConfigError::new(format!("Path {item} does not exist")));
            }
            paths.push(normalise(path));
        }
        Ok(Self(Some(paths)))
    }

    fn admit(&self, path: &str) -> Option<PathBuf> {
        let Some(allowed) = &self.0 else { return Some(PathBuf::from(path)) };
        let path = normalise(Path::new(path));
        if allowed.iter().any(|folder| path.starts_with(folder)) {
            return Some(path);
        }
        tracing::warn!("The path {} is not permitted to be accessed by a config provider", path.display());
        None
    }
}

/// Takes `.` and `..` out without asking the file system.
fn normalise(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("tributary-provider-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn write(&self, name: &str, text: &str) -> String {
            let path = self.0.join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn providers(extra: &[(&str, &str)]) -> Providers {
        let mut config: ConfigMap = [
            ("config.providers", "f,d,e"),
            ("config.providers.f.class", "org.apache.kafka.common.config.provider.FileConfigProvider"),
            ("config.providers.d.class", "DirectoryConfigProvider"),
            ("config.providers.e.class", "EnvVarConfigProvider"),
        ]
        .into_iter()
        .collect();
        for (key, value) in extra {
            config.set(*key, *value);
        }
        Providers::from_config(&config).unwrap()
    }

    fn resolved(providers: &Providers, text: &str) -> String {
        providers.resolve(&[("k", text)].into_iter().collect()).unwrap().get("k").unwrap().to_owned()
    }

    #[test]
    fn replaces_variables_from_files_wherever_they_stand() {
        let folder = Folder::new("file");
        let path = folder.write("secrets", "pw=geheim\nk\\:z=colon\nnested=${f:x:y}\nü=ö");
        let providers = providers(&[]);
        for (text, expected) in [
            (format!("${{f:{path}:pw}}"), "geheim"),
            (format!("a ${{f:{path}:pw}}-${{f:{path}:ü}}!"), "a geheim-ö!"),
            (format!("${{f:{path}:k:z}}"), "colon"),
            (format!("$${{f:{path}:pw}}"), "$geheim"),
            (format!("${{f:{path}:nested}}"), "${f:x:y}"),
            ("${FOO}".to_owned(), "${FOO}"),
            ("${other:a:b}".to_owned(), "${other:a:b}"),
            ("${f:key}".to_owned(), "${f:key}"),
            ("${f:/unfinished:x".to_owned(), "${f:/unfinished:x"),
        ] {
            assert_eq!(resolved(&providers, &text), expected, "{text}");
        }
        let missing = format!("${{f:{path}:nope}}");
        assert_eq!(resolved(&providers, &missing), missing);
    }

    #[test]
    fn an_unreadable_file_is_an_error_that_names_key_and_file() {
        let config = [("database.password", "${f:/no/such/file:pw}")].into_iter().collect();
        let error = providers(&[]).resolve(&config).unwrap_err().to_string();
        assert!(error.contains("database.password") && error.contains("/no/such/file"), "{error}");
    }

    #[test]
    fn reads_whole_files_of_a_folder() {
        let folder = Folder::new("dir");
        folder.write("pw", "geheim\n");
        let path = folder.0.to_str().unwrap();
        assert_eq!(resolved(&providers(&[]), &format!("${{d:{path}:pw}}")), "geheim\n");
        let escape = format!("${{d:{path}:../x}}");
        assert_eq!(resolved(&providers(&[]), &escape), escape);
    }

    #[test]
    fn reads_the_environment_within_the_allow_list() {
        let path = std::env::var("PATH").unwrap();
        assert_eq!(resolved(&providers(&[]), "${e:PATH}"), path);
        let limited = providers(&[("config.providers.e.param.allowlist.pattern", "CONNECT_.*")]);
        assert_eq!(resolved(&limited, "${e:PATH}"), "${e:PATH}");
        let with_path = [("k", "${e:some:PATH}")].into_iter().collect();
        assert!(providers(&[]).resolve(&with_path).is_err());
    }

    #[test]
    fn a_path_outside_the_allowed_ones_stays_literal() {
        let folder = Folder::new("allowed");
        let outside = Folder::new("outside");
        let inside_file = folder.write("s", "a=1");
        let outside_file = outside.write("s", "a=1");
        let allowed = providers(&[("config.providers.f.param.allowed.paths", folder.0.to_str().unwrap())]);
        assert_eq!(resolved(&allowed, &format!("${{f:{inside_file}:a}}")), "1");
        let refused = format!("${{f:{outside_file}:a}}");
        assert_eq!(resolved(&allowed, &refused), refused);
        let sneaky = format!("${{f:{}/../{}/s:a}}", folder.0.display(), outside.0.file_name().unwrap().to_str().unwrap());
        assert_eq!(resolved(&allowed, &sneaky), sneaky);
    }

    #[test]
    fn unknown_provider_classes_are_refused_with_the_known_ones() {
        let config = [("config.providers", "v"), ("config.providers.v.class", "com.acme.Vault")].into_iter().collect();
        let error = Providers::from_config(&config).err().unwrap().to_string();
        assert!(error.contains("com.acme.Vault") && error.contains("FileConfigProvider"), "{error}");
    }
}
