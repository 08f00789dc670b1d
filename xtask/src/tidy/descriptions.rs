//! What is said of a route is what it takes.

use super::Finding;
use super::tree::Tree;

/// A header that a handler reads: how it is seen in its source, and what its description must then name.
const HEADERS: [(&str, &str); 2] = [("ifs: Ifs", "If-Match"), ("idempotency_key(", "Idempotency-Key")];

/// Handlers describe the headers that they read, and no others.
pub fn headers(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|f| f.is_part("http")) {
        let mut line = 1;
        for (index, part) in file.text.split("#[utoipa::path(").enumerate() {
            let (description, rest) = part.split_once(")]\n").unwrap_or((part, ""));
            // One that is made up is not read.
            let handler = rest.split("\n}\n").next().unwrap_or("").replace("ifs: Ifs::", "");
            for (seen, header) in HEADERS.iter().filter(|_| index > 0) {
                let text = match (handler.contains(seen), description.contains(&format!("\"{header}\""))) {
                    (true, false) => format!("the handler reads {header}, and its description does not name it"),
                    (false, true) => format!("the description names {header}, and the handler does not read it"),
                    _ => continue,
                };
                found.push(Finding::new(&file.path, line, text));
            }
            line += part.matches('\n').count();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::said;
    use super::*;

    #[test]
    fn headers_are_described_where_they_are_read() {
        let fine = "\n#[utoipa::path(put, params((\"If-Match\" = Option<String>, Header)))]\nasync fn put(ifs: Ifs) {\n}\n";
        assert!(said(headers, &[("services/orders/src/http.rs", fine)]).is_empty());
        let silent = "\n#[utoipa::path(post)]\nasync fn post() {\n    change(Change { ifs: Ifs::default() });\n    let key = required_idempotency_key(&headers);\n}\n";
        let wrong = format!("{silent}{}", fine.replace("ifs: Ifs", ""));
        assert_eq!(
            said(headers, &[("services/orders/src/http/orders.rs", &wrong)]),
            [
                "services/orders/src/http/orders.rs:2: the handler reads Idempotency-Key, and its description does not name it",
                "services/orders/src/http/orders.rs:8: the description names If-Match, and the handler does not read it",
            ]
        );
    }
}
