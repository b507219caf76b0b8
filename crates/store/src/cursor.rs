//! Where a page ended, as text for the caller to bring back.

use crate::StoreError;
use schema::Id;

const VERSION: u8 = 1;
const BYTES: usize = 1 + 4 + 8 + 8 + 16;

/// The last item of a page, and what makes the next page go on exactly there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// What was there when the first page was asked for: rows up to this one.
    pub(crate) row_max: i64,
    /// Of the last item.
    pub(crate) start_ns: i64,
    pub(crate) id: Id,
}

impl Cursor {
    /// Text for this cursor, valid only for the query with this fingerprint.
    pub(crate) fn to_text(self, fingerprint: [u8; 4]) -> String {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(VERSION);
        bytes.extend(fingerprint);
        bytes.extend(self.row_max.to_be_bytes());
        bytes.extend(self.start_ns.to_be_bytes());
        bytes.extend(self.id.0);
        hex::encode(bytes)
    }

    /// Reads [`Cursor::to_text`].
    pub(crate) fn from_text(text: &str, fingerprint: [u8; 4]) -> Result<Self, StoreError> {
        let bad = |what: &str| StoreError::BadQuery(format!("The cursor {what}. Begin again without one."));
        let bytes = hex::decode(text).map_err(|_| bad("is not one of this API"))?;
        let bytes: [u8; BYTES] = bytes.try_into().map_err(|_| bad("is not one of this API"))?;
        if bytes[0] != VERSION {
            return Err(bad("comes from another version"));
        }
        if bytes[1..5] != fingerprint {
            return Err(bad("belongs to a query with other filters"));
        }
        let number = |at: usize| i64::from_be_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        let id = Id(std::array::from_fn(|byte| bytes[21 + byte]));
        Ok(Self { row_max: number(5), start_ns: number(13), id })
    }
}

/// Four bytes that differ for different filters.
pub(crate) fn fingerprint(filters: &impl std::fmt::Debug) -> [u8; 4] {
    let hash = Id::hash(&[format!("{filters:?}").as_bytes()]);
    std::array::from_fn(|at| hash.0[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_and_belongs_to_one_query() {
        let cursor = Cursor { row_max: 7, start_ns: -3, id: Id::hash(&[b"a"]) };
        let (mine, other) = (fingerprint(&(1, "a")), fingerprint(&(1, "b")));
        let text = cursor.to_text(mine);
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(Cursor::from_text(&text, mine).expect("read"), cursor);
        for (text, says) in [
            (text.as_str(), "other filters"),
            ("", "not one"),
            ("zz", "not one"),
            (&text[2..], "not one"),
            (&format!("02{}", &text[2..]), "another version"),
        ] {
            let error = Cursor::from_text(text, other).expect_err("refused");
            assert!(matches!(&error, StoreError::BadQuery(text) if text.contains(says)), "{error}");
        }
    }
}
