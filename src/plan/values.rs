//! Values: text with references becomes text with variables.

use super::{Site, Template, TemplatePiece, secrets::url_encode, stores};
use crate::{
    name::Name,
    profile::{Piece, ServiceField, StoreField, Text},
};

/// References may lead to references (`password: ${store:other.password}`), but not without end.
const DEPTH: u8 = 8;

impl Site<'_> {
    /// The text with every reference resolved; secrets stay variables, percent-encoded inside a URL.
    pub(crate) fn template(&self, text: &Text) -> Template {
        let mut writer = Writer { site: self, pieces: Vec::new(), line: String::new() };
        writer.text(text, false, 0);
        Template(writer.pieces)
    }

    /// `http://api:8000`, `api:8000`, or `api` where it has no port.
    pub(crate) fn service_url(&self, name: &Name) -> String {
        let first = self.profile.services.get(name).and_then(|service| service.run.ports.first());
        match first.map(|(port, number)| (port.as_str(), number.port)) {
            Some((scheme @ ("http" | "https"), port)) => format!("{scheme}://{name}:{port}"),
            Some((_, port)) => format!("{name}:{port}"),
            None => name.to_string(),
        }
    }
}

struct Writer<'a> {
    site: &'a Site<'a>,
    pieces: Vec<TemplatePiece>,
    /// What stands before, as far as it tells whether this is inside a URL.
    line: String,
}

impl Writer<'_> {
    fn text(&mut self, text: &Text, encode: bool, depth: u8) {
        for piece in &text.0 {
            match piece {
                Piece::Literal(literal) => self.literal(literal, encode),
                Piece::Secret(name) => self.secret(name, encode),
                Piece::Store(name, field) => self.store(name, *field, encode, depth + 1),
                Piece::Service(name, field) => self.service(name, *field),
            }
        }
    }

    fn literal(&mut self, literal: &str, encode: bool) {
        let text = if encode { url_encode(literal) } else { literal.to_owned() };
        self.line.push_str(&text);
        match self.pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(TemplatePiece::Literal(last)) => last.push_str(&text),
            _ => self.pieces.push(TemplatePiece::Literal(text)),
        }
    }

    fn secret(&mut self, name: &Name, encode: bool) {
        let Some(plan) = self.site.secret(name) else { return };
        let url = if encode || in_url(&self.line) { plan.url_variable.clone() } else { None };
        self.pieces.push(TemplatePiece::Variable(url.unwrap_or_else(|| plan.variable.clone())));
        self.line.push('x');
    }

    fn service(&mut self, name: &Name, field: ServiceField) {
        let port = || self.site.profile.services.get(name).and_then(|service| service.run.ports.first());
        let text = match field {
            ServiceField::Url => self.site.service_url(name),
            ServiceField::Host => name.to_string(),
            ServiceField::Port => port().map(|(_, port)| port.port.to_string()).unwrap_or_default(),
        };
        self.literal(&text, false);
    }

    fn store(&mut self, name: &Name, field: StoreField, encode: bool, depth: u8) {
        let Some(store) = self.site.profile.stores.get(name).filter(|_| depth < DEPTH) else { return };
        let login = stores::login(store);
        let encode = encode || in_url(&self.line);
        match field {
            StoreField::Host => self.literal(name.as_str(), false),
            StoreField::Port => self.literal(&stores::port(store).to_string(), false),
            StoreField::User => self.text(&login.user, encode, depth),
            StoreField::Password => self.text(&login.password, encode, depth),
            StoreField::Database => self.text(&login.database, encode, depth),
            StoreField::Url => {
                self.literal(&format!("{}://", store.engine.as_str()), false);
                self.text(&login.user, true, depth);
                if !login.password.0.is_empty() {
                    self.literal(":", false);
                    self.text(&login.password, true, depth);
                }
                if !login.user.0.is_empty() || !login.password.0.is_empty() {
                    self.literal("@", false);
                }
                self.literal(&format!("{name}:{}/", stores::port(store)), false);
                self.text(&login.database, true, depth);
            }
        }
    }
}

/// Whether what follows this text is part of a URL: a scheme and `://` since the last space, quote or angle bracket.
pub(crate) fn in_url(before: &str) -> bool {
    let word = before.rsplit([' ', '\t', '\n', '\r', '"', '\'', '<', '>']).next().unwrap_or_default();
    word.split_once("://").is_some_and(|(scheme, _)| scheme.ends_with(|c: char| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::in_url;

    #[test]
    fn what_follows_a_scheme_is_inside_a_url_until_the_word_ends() {
        for before in ["postgres://", "jdbc:postgresql://db/x?password=", "--url=redis://:", "a http://b/"] {
            assert!(in_url(before), "{before}");
        }
        for before in ["", "password=", "http://a/ password=", r#"{"u": "http://a", "p": ""#, "://"] {
            assert!(!in_url(before), "{before}");
        }
    }
}
