//! Parsers of the files' lines. Their errors never contain a line's text, which may be secret, if only by mistake.

use std::collections::HashMap;
use std::str::FromStr;

use enfonet::auth::{CredentialsTooLong, KeyError, PlainCredentials, PublicKey, SecretKey};

/// Error returned for a line that can't be parsed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub(crate) struct LineError {
    line: usize,
    kind: LineErrorKind,
}

/// Reason that a line can't be parsed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineErrorKind {
    #[error("a user is a name, a colon and a password")]
    NoUser,
    #[error(transparent)]
    TooLong(#[from] CredentialsTooLong),
    #[error("the same name as in line {first}")]
    SameName { first: usize },
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the same key as in line {first}")]
    SameKey { first: usize },
    #[error("a second key, where only one may be")]
    SecondKey,
    #[error("a property is a name, an equals sign and a value, and what is in quotes ends with them")]
    NoProperty,
    #[error("a rule is a user's name, and then pub= or sub= with prefixes between commas, without spaces")]
    NoRule,
    #[error("an empty prefix, which would allow all topics: to allow them, write *")]
    EmptyPrefix,
    #[error("an asterisk in a prefix: topics are allowed if they begin with it, so none is needed")]
    Wildcard,
}

impl LineErrorKind {
    pub(super) const fn at(self, line: usize) -> LineError {
        LineError { line, kind: self }
    }
}

/// Returns the lines with their numbers, without empty lines and comments, which begin with `#`. (A key in Z85 never
/// does.) Skips a byte order mark, which some editors write.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let lines = text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    (1..).zip(lines).filter(|(_, line)| !line.trim_ascii().is_empty() && !line.starts_with(b"#"))
}

/// Parses users of PLAIN: on each line a name, a colon and a password, untrimmed. The first colon separates.
pub(super) fn users(text: &[u8]) -> Result<Vec<PlainCredentials>, LineError> {
    let (mut users, mut names) = (Vec::new(), HashMap::new());
    for (line, text) in lines(text) {
        let user = user(text).map_err(|kind| kind.at(line))?;
        if let Some(first) = names.insert(user.username().clone(), line) {
            return Err(LineErrorKind::SameName { first }.at(line));
        }
        users.push(user);
    }
    Ok(users)
}

fn user(line: &[u8]) -> Result<PlainCredentials, LineErrorKind> {
    match line.iter().position(|byte| *byte == b':') {
        None | Some(0) => Err(LineErrorKind::NoUser),
        Some(colon) => Ok(PlainCredentials::new(line[..colon].to_vec(), &line[colon + 1..])?),
    }
}

/// Parses a broker's secret key, on a line of its own. Returns `None` if there is no such line.
pub(super) fn secret_key(text: &[u8]) -> Result<Option<SecretKey>, LineError> {
    let mut lines = lines(text);
    let Some((line, text)) = lines.next() else { return Ok(None) };
    let secret = key(text.trim_ascii()).map_err(|kind| kind.at(line))?;
    match lines.next() {
        None => Ok(Some(secret)),
        Some((line, _)) => Err(LineErrorKind::SecondKey.at(line)),
    }
}

/// A client of CURVE.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) key: PublicKey,
    pub(super) user_id: Option<Vec<u8>>,
}

/// Parses clients of CURVE: on each line a public key and, after a space, optionally the client's user id.
pub(super) fn clients(text: &[u8]) -> Result<Vec<Client>, LineError> {
    let (mut clients, mut keys) = (Vec::new(), HashMap::new());
    for (line, text) in lines(text) {
        let text = text.trim_ascii();
        let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
        let key = key(&text[..end]).map_err(|kind| kind.at(line))?;
        if let Some(first) = keys.insert(key, line) {
            return Err(LineErrorKind::SameKey { first }.at(line));
        }
        let user_id = Some(text[end..].trim_ascii()).filter(|id| !id.is_empty());
        clients.push(Client { key, user_id: user_id.map(<[u8]>::to_vec) });
    }
    Ok(clients)
}

pub(super) fn key<K: FromStr<Err = KeyError>>(text: &[u8]) -> Result<K, LineErrorKind> {
    Ok(str::from_utf8(text).map_err(|_| KeyError::Z85)?.parse()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PUBLIC: &str = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
    const OTHER: &str = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
    const SECRET: &str = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

    fn login(name: &'static str, password: &str) -> PlainCredentials {
        PlainCredentials::new(name, password).unwrap()
    }

    fn client(key: PublicKey, user_id: Option<&str>) -> Client {
        Client { key, user_id: user_id.map(Into::into) }
    }

    #[test]
    fn a_line_is_a_user_name_and_a_password_after_the_first_colon() {
        let text = b"# ours\nadmin:a:b \n\n \t\nguest:\r\n white : space\n";
        let users = users(text).unwrap();
        assert_eq!(users, [login("admin", "a:b "), login("guest", ""), login(" white ", " space")]);
        assert_eq!(super::users(b"a:\xff").unwrap()[0].password().expose(), b"\xff");
        assert_eq!(super::users(b"#a:b\n\n").unwrap(), []);
    }

    #[test]
    fn an_invalid_user_is_an_error_with_its_line() {
        let long = format!("a:{}", "x".repeat(256));
        for (text, line, kind) in [
            ("a:b\n\nhunter2", 3, LineErrorKind::NoUser),
            (":hunter2", 1, LineErrorKind::NoUser),
            (" #no comment", 1, LineErrorKind::NoUser),
            ("#\na:hunter2\nb:b\na:hunter3", 4, LineErrorKind::SameName { first: 2 }),
            (&long, 1, LineErrorKind::TooLong(CredentialsTooLong)),
        ] {
            assert_eq!(users(text.as_bytes()), Err(LineError { line, kind }), "{text}");
        }
        let error = users(b"a:b\nhunter2").unwrap_err().to_string();
        assert_eq!(error, "line 2: a user is a name, a colon and a password");
    }

    #[test]
    fn a_comment_after_a_byte_order_mark_is_no_user() {
        assert_eq!(users(b"\xef\xbb\xbf# name:password\nada:x").unwrap(), [login("ada", "x")]);
        assert_eq!(users(b"\xef\xbb\xbfada:x").unwrap(), [login("ada", "x")]);
    }

    #[test]
    fn a_broker_has_one_secret_key() {
        let secret = secret_key(format!("# ours\n\n {SECRET} \r\n").as_bytes()).unwrap().unwrap();
        assert_eq!(secret.public_key().to_string(), PUBLIC);
        assert_eq!(secret_key(b"\n# nothing\n").unwrap(), None);
        for (text, line, kind) in [
            (format!("{SECRET}\n\n{SECRET}\n"), 3, LineErrorKind::SecondKey),
            (format!("\n{SECRET}x"), 2, KeyError::Length { len: 41 }.into()),
            (SECRET.replace('D', "~"), 1, KeyError::Z85.into()),
        ] {
            assert_eq!(secret_key(text.as_bytes()), Err(LineError { line, kind }), "{text}");
        }
        assert_eq!(secret_key(&[0xff; 40]), Err(LineErrorKind::Key(KeyError::Z85).at(1)));
    }

    #[test]
    fn a_line_of_the_client_list_is_a_key_and_an_optional_user_id() {
        let text = format!("# ours\n{PUBLIC}\n\n{OTHER}  Ada Lovelace \n");
        let keys = [PUBLIC, OTHER].map(|key| key.parse().unwrap());
        assert_eq!(
            clients(text.as_bytes()).unwrap(),
            [client(keys[0], None), client(keys[1], Some("Ada Lovelace"))]
        );
        for (text, line, kind) in [
            (format!("{PUBLIC} Ada\n{PUBLIC} Eve"), 2, LineErrorKind::SameKey { first: 1 }),
            (format!("\n{}", &PUBLIC[1..]), 2, KeyError::Length { len: 39 }.into()),
            (format!("Ada {PUBLIC}"), 1, KeyError::Length { len: 3 }.into()),
        ] {
            assert_eq!(clients(text.as_bytes()), Err(LineError { line, kind }), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_never_read_as_a_comment(key: [u8; 32]) {
            let (public, secret) = (PublicKey::from_bytes(key), SecretKey::from_bytes(key));
            prop_assert_eq!(clients(public.to_string().as_bytes()), Ok(vec![client(public, None)]));
            prop_assert_eq!(secret_key(secret.to_z85().as_bytes()), Ok(Some(secret)));
        }

        #[test]
        fn an_error_never_shows_the_content_of_the_file(text in "[a-z:\n]{0,60}SECRETS[a-z:\n]{0,60}") {
            let text = text.as_bytes();
            let errors = [users(text).err(), secret_key(text).err(), clients(text).err()];
            prop_assert!(errors.into_iter().flatten().all(|error| !error.to_string().contains("SECRETS")));
        }
    }
}
