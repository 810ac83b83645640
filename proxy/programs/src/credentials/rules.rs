//! Rules: the topics that each user may publish and subscribe to.
//!
//! ```text
//! # publishers
//! Ada pub=orders.
//! # consumers
//! Grace Hopper sub=orders.,prices.
//! * sub=news.
//! ```

use std::collections::HashMap;
use std::path::Path;

use enfonet::auth::{Permissions, User};

use super::error::{FileError, FileErrorKind};
use super::file::read_list;
use super::lines::{LineError, LineErrorKind, lines};

/// Permissions by the name of the user. A user without a line has those of the line `*`, and without that line none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    users: HashMap<Vec<u8>, Permissions>,
    others: Permissions,
}

/// Name of the line for all users without a line of their own, and prefix that stands for all topics.
const ALL: &[u8] = b"*";

impl Rules {
    /// Reads a file of rules, which only its owner may change.
    pub(super) fn read(path: &Path) -> Result<Self, FileError> {
        let read = || -> Result<Self, FileErrorKind> { Ok(Self::parse(&read_list(path)?)?) };
        read().map_err(|kind| kind.at(path))
    }

    /// Returns the permissions of a user.
    pub(crate) fn permissions(&self, user: &User) -> Permissions {
        self.users.get(&user.id[..]).unwrap_or(&self.others).clone()
    }

    fn parse(text: &[u8]) -> Result<Self, LineError> {
        let (mut users, mut first_lines) = (HashMap::new(), HashMap::new());
        for (line, text) in lines(text) {
            let (name, permissions) = rule(text.trim_ascii()).map_err(|kind| kind.at(line))?;
            if let Some(first) = first_lines.insert(name, line) {
                return Err(LineErrorKind::SameName { first }.at(line));
            }
            users.insert(name.to_vec(), permissions);
        }
        let others = users.remove(ALL).unwrap_or_else(Permissions::none);
        Ok(Self { users, others })
    }
}

/// Parses a line: a name, which may have spaces, and then `pub=` and `sub=` in any order, each at most once.
fn rule(line: &[u8]) -> Result<(&[u8], Permissions), LineErrorKind> {
    let (mut name, mut publish, mut subscribe) = (line, None, None);
    // From the end, so that what is left is the name.
    while let Some(space) = name.iter().rposition(u8::is_ascii_whitespace) {
        let (key, topics) = match &name[space + 1..] {
            [b'p', b'u', b'b', b'=', topics @ ..] => (&mut publish, topics),
            [b's', b'u', b'b', b'=', topics @ ..] => (&mut subscribe, topics),
            _ => break,
        };
        if key.replace(prefixes(topics)?).is_some() {
            return Err(LineErrorKind::NoRule);
        }
        name = name[..space].trim_ascii_end();
    }
    // A name with an equals sign is more likely a key with a typing error, or a list with a space.
    if name.is_empty() || name.contains(&b'=') || (publish.is_none() && subscribe.is_none()) {
        return Err(LineErrorKind::NoRule);
    }
    let permissions = Permissions::none();
    Ok((name, permissions.publish(publish.unwrap_or_default()).subscribe(subscribe.unwrap_or_default())))
}

/// Parses prefixes between commas; none if the list is empty. An asterisk is the empty prefix, for all topics: an empty
/// prefix is more likely a comma too many.
fn prefixes(list: &[u8]) -> Result<Vec<Vec<u8>>, LineErrorKind> {
    if list.is_empty() {
        return Ok(Vec::new());
    }
    let prefix = |prefix: &[u8]| match prefix {
        b"*" => Ok(Vec::new()),
        b"" => Err(LineErrorKind::EmptyPrefix),
        _ if prefix.contains(&b'*') => Err(LineErrorKind::Wildcard),
        _ => Ok(prefix.to_vec()),
    };
    list.split(|byte| *byte == b',').map(prefix).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rules: &Rules, user: &'static str) -> Permissions {
        rules.permissions(&User::named(user))
    }

    #[test]
    fn a_line_is_a_name_and_the_prefixes_that_it_may_publish_and_subscribe_to() {
        let text =
            b"# ours\n\nAda pub=orders. sub=orders.,prices.\nGrace Hopper\tsub=*\r\n Eve  pub=  sub=news \n";
        let rules = Rules::parse(text).unwrap();
        let none = Permissions::none;
        assert_eq!(of(&rules, "Ada"), none().publish(["orders."]).subscribe(["orders.", "prices."]));
        assert_eq!(of(&rules, "Grace Hopper"), none().subscribe([""]));
        assert_eq!(of(&rules, "Eve"), none().subscribe(["news"]));
    }

    #[test]
    fn a_user_without_a_line_has_no_permission_unless_there_is_a_line_for_all_others() {
        let rules = Rules::parse(b"Ada pub=a").unwrap();
        assert_eq!([of(&rules, "Eve"), of(&rules, "")], [Permissions::none(), Permissions::none()]);
        let rules = Rules::parse(b"* sub=news.\nAda pub=a").unwrap();
        let news = Permissions::none().subscribe(["news."]);
        assert_eq!([of(&rules, "Eve"), of(&rules, ""), of(&rules, "*")], [news.clone(), news.clone(), news]);
        assert!(!of(&rules, "Ada").may_subscribe(b"news.1"), "its own line replaces that of the others");
        assert_eq!(of(&Rules::parse(b"").unwrap(), "Ada"), Permissions::none());
    }

    #[test]
    fn an_invalid_rule_is_an_error_with_its_line() {
        for (text, line, kind) in [
            ("#\nAda", 2, LineErrorKind::NoRule),
            ("pub=orders.", 1, LineErrorKind::NoRule),
            ("Ada pub=a pub=b", 1, LineErrorKind::NoRule),
            ("Ada pbu=a sub=b", 1, LineErrorKind::NoRule),
            ("Ada sub=b pbu=a", 1, LineErrorKind::NoRule),
            ("Ada sub=orders., prices.", 1, LineErrorKind::NoRule),
            ("Ada sub=orders. , prices.", 1, LineErrorKind::NoRule),
            ("Ada sub=a,,b", 1, LineErrorKind::EmptyPrefix),
            ("Ada sub=orders.*", 1, LineErrorKind::Wildcard),
            ("Ada pub=a\n\nAda sub=a", 3, LineErrorKind::SameName { first: 1 }),
        ] {
            assert_eq!(Rules::parse(text.as_bytes()), Err(kind.at(line)), "{text}");
        }
    }
}
