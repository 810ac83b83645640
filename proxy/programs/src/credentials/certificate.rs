//! Certificates of CURVE keys as czmq and pyzmq write them, in the ZeroMQ Property Language (RFC 4):
//!
//! ```text
//! metadata
//!     name = "Ada"
//! curve
//!     public-key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
//!     secret-key = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
//! ```

use enfonet::auth::{PublicKey, SecretKey};

use super::lines::{LineError, LineErrorKind, key, lines};

/// A certificate. Other properties than these are ignored.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Certificate {
    /// The property `curve/public-key`.
    pub(super) public: Option<PublicKey>,
    /// The property `curve/secret-key`, which a public certificate doesn't have.
    pub(super) secret: Option<SecretKey>,
    /// The property `metadata/name`.
    pub(super) name: Option<Vec<u8>>,
}

/// Returns whether a file is a certificate rather than a list of keys: it has the section `curve`.
pub(super) fn is_certificate(text: &[u8]) -> bool {
    lines(text).any(|(_, line)| line.trim_ascii() == b"curve")
}

impl Certificate {
    /// Parses a certificate.
    pub(super) fn parse(text: &[u8]) -> Result<Self, LineError> {
        let (mut certificate, mut sections) = (Self::default(), Vec::new());
        for (line, text) in lines(text) {
            let Some(property) = Property::parse(text).map_err(|kind| kind.at(line))? else { continue };
            while sections.last().is_some_and(|(indent, _)| *indent >= property.indent) {
                sections.pop();
            }
            let path: Vec<&[u8]> = sections.iter().map(|(_, name)| *name).chain([property.name]).collect();
            certificate.set(&path, property.value).map_err(|kind| kind.at(line))?;
            sections.push((property.indent, property.name));
        }
        Ok(certificate)
    }

    fn set(&mut self, path: &[&[u8]], value: &[u8]) -> Result<(), LineErrorKind> {
        match path {
            [b"curve", b"public-key"] if self.public.is_some() => return Err(LineErrorKind::SecondKey),
            [b"curve", b"secret-key"] if self.secret.is_some() => return Err(LineErrorKind::SecondKey),
            [b"curve", b"public-key"] => self.public = Some(key(value)?),
            [b"curve", b"secret-key"] => self.secret = Some(key(value)?),
            [b"metadata", b"name"] if !value.is_empty() => self.name = Some(value.into()),
            _ => {}
        }
        Ok(())
    }
}

/// A line of the ZeroMQ Property Language.
#[derive(Debug, PartialEq, Eq)]
struct Property<'a> {
    /// Number of blanks before the name: the property belongs to the last before it with fewer.
    indent: usize,
    name: &'a [u8],
    /// Empty for a section.
    value: &'a [u8],
}

impl<'a> Property<'a> {
    /// Parses a line. Returns `None` for a comment.
    fn parse(line: &'a [u8]) -> Result<Option<Self>, LineErrorKind> {
        let text = line.trim_ascii_start();
        let indent = line.len() - text.len();
        let end = text.iter().position(|byte| byte.is_ascii_whitespace() || b"=#".contains(byte));
        let (name, rest) = text.split_at(end.unwrap_or(text.len()));
        match rest.trim_ascii_start() {
            [b'#', ..] | [] if name.is_empty() => Ok(None),
            [b'#', ..] | [] => Ok(Some(Self { indent, name, value: b"" })),
            [b'=', value @ ..] if !name.is_empty() => {
                Ok(Some(Self { indent, name, value: parse_value(value.trim_ascii())? }))
            }
            _ => Err(LineErrorKind::NoProperty),
        }
    }
}

/// Parses a value: between quotes, or up to a comment.
fn parse_value(text: &[u8]) -> Result<&[u8], LineErrorKind> {
    let (quote, behind) = match text {
        [quote @ (b'"' | b'\''), behind @ ..] => (quote, behind),
        _ => return Ok(text.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii_end()),
    };
    let end = behind.iter().position(|byte| byte == quote).ok_or(LineErrorKind::NoProperty)?;
    match behind[end + 1..].trim_ascii_start() {
        [] | [b'#', ..] => Ok(&behind[..end]),
        _ => Err(LineErrorKind::NoProperty),
    }
}

#[cfg(test)]
mod tests {
    use enfonet::auth::KeyError;
    use proptest::prelude::*;

    use super::*;

    const PUBLIC: &str = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
    const SECRET: &str = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

    fn whole(name: &str) -> Certificate {
        let (public, secret) = (PUBLIC.parse().ok(), SECRET.parse().ok());
        Certificate { public, secret, name: Some(name.into()) }
    }

    #[test]
    fn the_certificates_of_czmq_and_pyzmq_have_keys_and_a_name() {
        let czmqs = format!(
            "#   ****  Generated on 2026-12-01 by CZMQ  ****\n#   ZeroMQ CURVE **Secret** Certificate\n\n\
             metadata\n    email = \"ada@example.org\"\n    name = \"Ada Lovelace\"\n\
             curve\n    public-key = \"{PUBLIC}\"\n    secret-key = \"{SECRET}\"\n"
        );
        let pyzmqs = format!(
            "# pyzmq\n\nmetadata\n    name = Ada Lovelace\ncurve\n    public-key = \"{PUBLIC}\"\n    \
             secret-key = \"{SECRET}\"\n"
        );
        for text in [czmqs, pyzmqs] {
            assert!(is_certificate(text.as_bytes()));
            assert_eq!(Certificate::parse(text.as_bytes()).unwrap(), whole("Ada Lovelace"), "{text}");
        }
    }

    #[test]
    fn sections_comments_and_quotes_are_as_in_the_rfc() {
        let text = format!(
            "\u{feff}curve # section\r\n\tpublic-key='{PUBLIC}' # ours\r\n  # comment\n\
             \tsecret-key   =\"{SECRET}\"\n\tother\n\t\tpublic-key = x\nname = Eve\nmetadata\n  name = Ada # her\n  x"
        );
        assert_eq!(Certificate::parse(text.as_bytes()).unwrap(), whole("Ada"));
        let unnamed = Certificate::parse(b"metadata\n    name = \"\"\n    name =\ncurve\n").unwrap();
        assert_eq!(unnamed, Certificate::default());
    }

    #[test]
    fn a_malformed_line_is_an_error_with_its_number() {
        let twice = format!("curve\n  public-key = \"{PUBLIC}\"\n  public-key = \"{PUBLIC}\"");
        for (text, line, kind) in [
            ("curve\n  public-key = hunter2", 2, KeyError::Length { len: 7 }.into()),
            ("\ncurve\n  secret-key = hunter2", 3, KeyError::Length { len: 7 }.into()),
            ("curve\n= hunter2", 2, LineErrorKind::NoProperty),
            ("hunter2 hunter2", 1, LineErrorKind::NoProperty),
            ("a = \"hunter2", 1, LineErrorKind::NoProperty),
            ("a = \"hunter2\" b", 1, LineErrorKind::NoProperty),
            (&twice, 3, LineErrorKind::SecondKey),
        ] {
            assert_eq!(Certificate::parse(text.as_bytes()), Err(kind.at(line)), "{text}");
        }
    }

    #[test]
    fn lists_of_keys_are_no_certificates() {
        assert!(!is_certificate(format!("{PUBLIC} curve\n#curve\n").as_bytes()));
        assert!(!is_certificate(SECRET.as_bytes()));
    }

    proptest! {
        #[test]
        fn any_key_is_read_from_its_quotes(key: [u8; 32]) {
            let (public, secret) = (PublicKey::from_bytes(key), SecretKey::from_bytes(key));
            let text = format!("curve\n    public-key = \"{public}\"\n    secret-key = \"{}\"\n", *secret.to_z85());
            let expected = Certificate { public: Some(public), secret: Some(secret), name: None };
            prop_assert_eq!(Certificate::parse(text.as_bytes()), Ok(expected));
        }

        #[test]
        fn an_error_never_shows_the_content_of_the_certificate(text in "[a-z =\"#\n]{0,60}SECRETS[a-z =\"#\n]{0,60}") {
            let error = Certificate::parse(format!("curve\n  secret-key = {text}").as_bytes()).err();
            prop_assert!(error.is_none_or(|error| !error.to_string().contains("SECRETS")));
        }
    }
}
