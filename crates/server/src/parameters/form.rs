//! Forms and queries with brackets: `metadata[order]=1&items[0][price]=5&expand[]=customer`.

use super::{Fault, Node, ParameterError, shown};
use crate::limits::{DEPTH_MAX, NAME_BYTES_MAX, PARAMETERS_MAX};
use std::borrow::Cow;

/// Reads a form. Bytes that are not UTF-8 become U+FFFD, as the URL standard says.
///
/// # Errors
/// A name that cannot be read, a name given twice or with and without brackets, and what is beyond a limit.
pub fn parse(bytes: &[u8]) -> Result<Node<'_>, Box<ParameterError>> {
    let mut root = Node::empty();
    for (count, (name, value)) in form_urlencoded::parse(bytes).enumerate() {
        if count >= PARAMETERS_MAX {
            let limit = format!("at most {PARAMETERS_MAX} parameters are taken");
            return Err(ParameterError::new(Fault::TooMuch(limit)));
        }
        if name.contains('\0') || value.contains('\0') {
            return Err(ParameterError::of(&shown(&name), Fault::Zero));
        }
        insert(&mut root, name, value)?;
    }
    Ok(root)
}

fn insert<'a>(
    root: &mut Node<'a>,
    name: Cow<'a, str>,
    value: Cow<'a, str>,
) -> Result<(), Box<ParameterError>> {
    // Most names have no brackets, and are then kept without a copy.
    if !name.contains(['[', ']']) {
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(ParameterError::of(&shown(&name), Fault::Malformed));
        }
        return put(root, name, value);
    }
    let malformed = || ParameterError::of(&shown(&name), Fault::Malformed);
    let parts = split(&name).ok_or_else(malformed)?;
    if parts.len() > DEPTH_MAX {
        let limit = format!("parameters may stand {DEPTH_MAX} levels deep");
        return Err(ParameterError::of(&shown(&name), Fault::TooMuch(limit)));
    }
    let twice = || ParameterError::of(&shown(&name), Fault::Twice);
    let (last, above) = parts.split_last().ok_or_else(malformed)?;
    let mut node = root;
    for (depth, part) in above.iter().enumerate() {
        // `a[][b]` does not say to which element b belongs; clients number the elements instead.
        if part.is_empty() {
            return Err(malformed());
        }
        let opens_list = depth + 1 == above.len() && last.is_empty();
        node = child(node, part, opens_list).ok_or_else(twice)?;
    }
    match node {
        Node::List(elements) if last.is_empty() => {
            elements.push(Node::Plain(value));
            Ok(())
        }
        Node::Map(_) if !last.is_empty() => {
            put(node, Cow::Owned((*last).to_owned()), value).map_err(|_| twice())
        }
        _ => Err(twice()),
    }
}

/// Puts a value under a name that must be new.
fn put<'a>(node: &mut Node<'a>, name: Cow<'a, str>, value: Cow<'a, str>) -> Result<(), Box<ParameterError>> {
    let Node::Map(entries) = node else { return Err(ParameterError::of(&name, Fault::Twice)) };
    if entries.iter().any(|(key, _)| *key == name) {
        return Err(ParameterError::of(&name, Fault::Twice));
    }
    entries.push((name, Node::Plain(value)));
    Ok(())
}

/// Finds or makes the map or list under a name. None when something else stands there.
fn child<'n, 'a>(node: &'n mut Node<'a>, name: &str, list: bool) -> Option<&'n mut Node<'a>> {
    let Node::Map(entries) = node else { return None };
    let at = match entries.iter().position(|(key, _)| key == name) {
        Some(at) => at,
        None => {
            let fresh = if list { Node::List(Vec::new()) } else { Node::empty() };
            entries.push((Cow::Owned(name.to_owned()), fresh));
            entries.len() - 1
        }
    };
    let found = &mut entries[at].1;
    matches!((&*found, list), (Node::List(_), true) | (Node::Map(_), false)).then_some(found)
}

/// Splits `a[b][]` into `a`, `b` and an empty part. None when the brackets do not fit.
fn split(name: &str) -> Option<Vec<&str>> {
    let (first, mut rest) = name.split_at(name.find('[')?);
    let fits = |part: &str| part.len() <= NAME_BYTES_MAX && !part.contains(['[', ']']);
    if first.is_empty() || !fits(first) {
        return None;
    }
    let mut parts = vec![first];
    while !rest.is_empty() {
        let (part, behind) = rest.strip_prefix('[')?.split_once(']')?;
        if !fits(part) {
            return None;
        }
        parts.push(part);
        rest = behind;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(form: &str) -> String {
        fn write(node: &Node<'_>) -> String {
            match node {
                Node::Plain(text) => text.to_string(),
                Node::List(list) => format!("[{}]", list.iter().map(write).collect::<Vec<_>>().join(",")),
                Node::Map(map) => {
                    let entries: Vec<String> = map.iter().map(|(k, v)| format!("{k}:{}", write(v))).collect();
                    format!("{{{}}}", entries.join(","))
                }
                other => format!("{other:?}"),
            }
        }
        match parse(form.as_bytes()) {
            Ok(node) => write(&node),
            Err(error) => format!("{} {}", error.code(), error.path.join("|")),
        }
    }

    #[test]
    fn brackets_become_maps_and_lists() {
        for (form, expected) in [
            ("", "{}"),
            ("amount=100&currency=cny", "{amount:100,currency:cny}"),
            ("metadata[order]=1&a=2&metadata[b+c]=%5Bx%5D", "{metadata:{order:1,b c:[x]},a:2}"),
            ("items[0][price]=5&items[1][price]=6&items[0][n]=1", "{items:{0:{price:5,n:1},1:{price:6}}}"),
            ("expand[]=a&expand%5B%5D=b", "{expand:[a,b]}"),
            ("a[b][]=1&a[b][]=2&a[c]=3", "{a:{b:[1,2],c:3}}"),
            ("a=", "{a:}"),
            ("a", "{a:}"),
        ] {
            assert_eq!(shape(form), expected, "{form}");
        }
    }

    #[test]
    fn what_cannot_be_read_names_the_parameter() {
        for (form, expected) in [
            ("a=1&a=2", "parameter_given_twice a"),
            ("a=1&a[b]=2", "parameter_given_twice a[b]"),
            ("a[b]=1&a=2", "parameter_given_twice a"),
            ("a[]=1&a[b]=2", "parameter_given_twice a[b]"),
            ("a[b]=1&a[]=2", "parameter_given_twice a[]"),
            ("a[b]=1&a[b]=2", "parameter_given_twice a[b]"),
            ("a[b=1", "parameter_malformed a[b"),
            ("a]b=1", "parameter_malformed a]b"),
            ("[a]=1", "parameter_malformed [a]"),
            ("=1", "parameter_malformed "),
            ("a[b]c=1", "parameter_malformed a[b]c"),
            ("a[[b]]=1", "parameter_malformed a[[b]]"),
            ("a[][b]=1", "parameter_malformed a[][b]"),
            ("a=%00", "parameter_invalid_text a"),
            ("a[b][c][d][e][f][g][h][i][j][k]=1", "parameters_too_many a[b][c][d][e][f][g][h][i][j][k]"),
        ] {
            assert_eq!(shape(form), expected, "{form}");
        }
        let many: Vec<String> = (0..=PARAMETERS_MAX).map(|n| format!("a{n}=1")).collect();
        assert_eq!(shape(&many.join("&")), "parameters_too_many ");
        assert!(shape(&many[1..].join("&")).starts_with("{a1:1"));
        assert_eq!(
            shape(&"n".repeat(NAME_BYTES_MAX + 1)),
            format!("parameter_malformed {}…", "n".repeat(60))
        );
    }
}
