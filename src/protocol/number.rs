//! Numbers that must not be confused with each other. A wrapper costs nothing: it is the integer in it.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::limits;

/// The number of a numbered line in its direction: 1, 2, 3 … by position, below [`limits::NUMBER`]. In a count of
/// lines, 0 means none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(transparent)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// The place before the first line: a count of none.
    pub const NONE: Self = Self(0);
    /// The first line.
    pub const FIRST: Self = Self(1);

    /// Returns true if an integer of JavaScript can hold it.
    #[must_use]
    pub const fn is_in_bounds(self) -> bool {
        self.0 < limits::NUMBER
    }

    /// Returns true if a line can have it: it is at least 1, and within the bounds.
    #[must_use]
    pub const fn is_of_a_line(self) -> bool {
        self.0 != 0 && self.is_in_bounds()
    }

    /// Returns the number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the number before this one, which must be at least 1.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0 - 1)
    }

    /// Returns the number this many places behind this one.
    #[must_use]
    pub const fn plus(self, lines: u64) -> Self {
        Self(self.0 + lines)
    }

    /// Returns how many places this one stands behind an earlier one.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0 - earlier.0
    }

    /// Returns how many places this one stands behind another, or `None` if the other one is greater.
    #[must_use]
    pub const fn checked_since(self, other: Self) -> Option<u64> {
        self.0.checked_sub(other.0)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a leg, chosen by its client: from 1, below [`limits::LEG_AND_TURN`]. It names the leg, and says
/// nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(transparent)]
#[serde(transparent)]
pub struct LegNumber(pub u32);

impl LegNumber {
    /// Returns true if a client may choose it.
    #[must_use]
    pub const fn is_in_bounds(self) -> bool {
        self.0 != 0 && self.0 < limits::LEG_AND_TURN
    }
}

impl fmt::Display for LegNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A turn, by which a client chooses its active leg (rule 3): from 1, below [`limits::LEG_AND_TURN`].
///
/// The absence of a turn is `None`, everywhere. An `Option<Turn>` is as large as the integer, and any turn is
/// greater than `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[repr(transparent)]
#[serde(transparent)]
pub struct Turn(NonZeroU32);

impl Turn {
    /// Returns the turn with this number, if a client may request it.
    #[must_use]
    pub const fn new(turn: u32) -> Option<Self> {
        match NonZeroU32::new(turn) {
            Some(turn) if turn.get() < limits::LEG_AND_TURN => Some(Self(turn)),
            _ => None,
        }
    }

    /// Returns the turn to request after the greatest that was requested.
    #[must_use]
    pub const fn after(greatest: Option<Self>) -> Self {
        match greatest {
            Some(Self(turn)) => Self(turn.saturating_add(1)),
            None => Self(NonZeroU32::MIN),
        }
    }

    /// Returns the integer.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_turn_is_less_than_any_and_takes_no_room_of_its_own() {
        let turn = Turn::new(1);
        assert!(turn.is_some() && turn > None && Some(Turn::after(turn)) > turn);
        assert_eq!((Some(Turn::after(None)), Turn::new(0), Turn::new(limits::LEG_AND_TURN)), (turn, None, None));
        assert_eq!(size_of::<Option<Turn>>(), size_of::<u32>());
    }
}
