//! Reads the Java login-module line of `sasl.jaas.config`.

use std::collections::BTreeMap;

/// `<module class> <flag> key="value" ... ;`
#[derive(PartialEq, Eq)]
pub(super) struct LoginModule {
    pub class: String,
    pub options: BTreeMap<String, String>,
}

impl LoginModule {
    /// The class name without its package.
    pub fn simple_name(&self) -> &str {
        self.class.rsplit('.').next().unwrap_or(&self.class)
    }
}

/// # Errors
/// What is wrong with the line. The text never holds the line itself, which contains a password.
pub(super) fn parse(line: &str) -> Result<LoginModule, String> {
    let mut tokens = tokens(line)?.into_iter().peekable();
    let class = match tokens.next() {
        Some(Token::Word(class)) => class,
        _ => return Err("it must start with the class name of a login module".to_owned()),
    };
    match tokens.next() {
        Some(Token::Word(flag))
            if ["required", "requisite", "sufficient", "optional"].contains(&flag.to_ascii_lowercase().as_str()) => {}
        _ => return Err("the class name must be followed by 'required'".to_owned()),
    }
    let mut options = BTreeMap::new();
    loop {
        match tokens.next() {
            Some(Token::End) if tokens.peek().is_none() => return Ok(LoginModule { class, options }),
            Some(Token::End) => return Err("only one login module is allowed".to_owned()),
            Some(Token::Word(key)) => match (tokens.next(), tokens.next()) {
                (Some(Token::Equals), Some(Token::Word(value))) => {
                    options.insert(key, value);
                }
                _ => return Err(format!("option '{key}' has no value")),
            },
            Some(Token::Equals) => return Err("a '=' without an option name".to_owned()),
            None => return Err("it must end with ';'".to_owned()),
        }
    }
}

enum Token {
    Word(String),
    Equals,
    End,
}

/// Java: JaasConfig over StreamTokenizer, where `"` and `'` quote and a backslash escapes inside quotes.
fn tokens(line: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '=' => tokens.push(Token::Equals),
            ';' => tokens.push(Token::End),
            quote @ ('"' | '\'') => {
                let mut word = String::new();
                loop {
                    match chars.next() {
                        None => return Err("a quote is not closed".to_owned()),
                        Some(c) if c == quote => break,
                        Some('\\') => match chars.next() {
                            Some('n') => word.push('\n'),
                            Some('t') => word.push('\t'),
                            Some('r') => word.push('\r'),
                            Some(c) => word.push(c),
                            None => return Err("a quote is not closed".to_owned()),
                        },
                        Some(c) => word.push(c),
                    }
                }
                tokens.push(Token::Word(word));
            }
            c => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| !c.is_whitespace() && !matches!(c, '=' | ';' | '"' | '\'')) {
                    word.push(c);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_module_and_quoted_options() {
        let line = "org.apache.kafka.common.security.plain.PlainLoginModule required\n  username=\"a b\" password='p\\'=;' x=1;";
        let module = parse(line).ok().unwrap();
        assert_eq!(module.simple_name(), "PlainLoginModule");
        assert_eq!(module.options["username"], "a b");
        assert_eq!(module.options["password"], "p'=;");
        assert_eq!(module.options["x"], "1");
    }

    #[test]
    fn errors_never_show_the_line() {
        for line in ["", "M", "M required password=\"secret", "M required password=\"secret\"", "M required password secret;"] {
            let error = parse(line).err().unwrap();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
