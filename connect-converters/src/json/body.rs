//! The parts of a body, found without reading its values.
use super::cursor::Cursor;
use super::fault::{Fault, Result};

/// The envelope around the payload.
pub(crate) struct Envelope<'a> {
    /// All that comes before the payload, where that is the last member.
    pub(crate) opening: Option<&'a str>,
    pub(crate) schema: &'a str,
}

/// A body with its parts found.
pub(crate) struct Located<'a> {
    /// `None` where the body is plain.
    pub(crate) schema: Option<Envelope<'a>>,
    pub(crate) payload: Cursor<'a>,
    /// There is no row: the payload is null, as the Java runtimes write deletes.
    pub(crate) null: bool,
}

impl<'a> Located<'a> {
    /// A body that is its payload.
    pub(crate) fn plain(body: &'a str) -> Self {
        let mut payload = Cursor::new(body, 0);
        payload.skip_blanks();
        Self {
            schema: None,
            payload,
            null: body.trim_ascii() == "null",
        }
    }
}

/// Finds the schema and the payload.
///
/// # Errors
/// It is an envelope that is not JSON, or has no payload.
pub(crate) fn locate<'a>(body: &'a str, scratch: &mut String) -> Result<Located<'a>> {
    let plain = Located::plain(body);
    let mut cursor = plain.payload.clone();
    if !cursor.eat(b'{') {
        return Ok(plain);
    }
    let (mut schema, mut payload) = (None, None);
    loop {
        cursor.skip_blanks();
        // Most plain bodies are recognized by their first name.
        let is_schema = cursor.eat_all(b"\"schema\"");
        if !is_schema && !cursor.eat_all(b"\"payload\"") {
            return Ok(plain);
        }
        cursor.need(b':', "`:`")?;
        cursor.skip_blanks();
        let place = cursor.place();
        let text = cursor.value(scratch)?;
        let member = if is_schema { &mut schema } else { &mut payload };
        if member.replace((place, text)).is_some() {
            return Err(Fault::value("the envelope has a member twice"));
        }
        cursor.skip_blanks();
        if !cursor.eat(b',') {
            break;
        }
    }
    cursor.need(b'}', "`,` or `}`")?;
    cursor.end()?;
    let (Some((at, schema)), Some((place, payload))) = (schema, payload) else {
        return Ok(plain);
    };
    if !schema.starts_with(['{', 'n']) {
        return Ok(plain);
    }
    Ok(Located {
        schema: (schema != "null").then(|| Envelope {
            opening: body.get(..place).filter(|_| at < place),
            schema,
        }),
        payload: Cursor::new(payload, place),
        null: payload == "null",
    })
}

/// The names of the fields of an object, each once.
///
/// # Errors
/// It is none.
pub(crate) fn names(mut cursor: Cursor<'_>, scratch: &mut String) -> Result<Vec<String>> {
    if !cursor.eat(b'{') {
        return Err(cursor.mismatch("an object"));
    }
    let mut names: Vec<String> = Vec::new();
    cursor.skip_blanks();
    while cursor.peek() != Some(b'}') {
        cursor.skip_blanks();
        let name = cursor.string(scratch)?;
        if !names.iter().any(|n| n == name) {
            names.push(name.to_owned());
        }
        cursor.need(b':', "`:`")?;
        cursor.skip_blanks();
        cursor.value(scratch)?;
        cursor.skip_blanks();
        if !cursor.eat(b',') {
            break;
        }
    }
    cursor.need(b'}', "`,` or `}`")?;
    cursor.end()?;
    Ok(names)
}
