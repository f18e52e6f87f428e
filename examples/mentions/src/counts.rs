//! Counts the mentions of each word, and knows the words of each room.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use glance_sdk::model::{OauthId, RoomId};

use crate::text::{Finder, Word};
use crate::window::Window;

/// A room of an installation.
pub(crate) type Place = (OauthId, RoomId);

/// The mentions of each of a room's words in the past hour.
pub(crate) type Mentioned = Vec<(String, u64)>;

/// The counts of all chosen words. Rooms that chose the same word share its window, regardless of
/// their spelling.
#[derive(Debug)]
pub(crate) struct Counts {
    /// The words of each room, by their search key.
    rooms: HashMap<Place, BTreeMap<Arc<str>, Word>>,
    windows: HashMap<Arc<str>, Window>,
    finder: Finder,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            rooms: HashMap::new(),
            windows: HashMap::new(),
            finder: Finder::new([]),
        }
    }
}

impl Counts {
    /// Replaces the words of all rooms. A word that was chosen before keeps its count.
    pub(crate) fn choose(&mut self, chosen: impl IntoIterator<Item = (Place, String)>) {
        self.rooms.clear();
        for (place, word) in chosen {
            if let Some(word) = Word::new(&word) {
                let words = self.rooms.entry(place).or_default();
                words.insert(Arc::clone(word.key()), word);
            }
        }
        self.update_windows();
    }

    fn update_windows(&mut self) {
        let mut windows = std::mem::take(&mut self.windows);
        for word in self.rooms.values().flat_map(BTreeMap::keys) {
            if !self.windows.contains_key(word) {
                let window = windows.remove(word).unwrap_or_else(Window::new);
                self.windows.insert(Arc::clone(word), window);
            }
        }
        self.finder = Finder::new(self.windows.keys().cloned());
    }

    /// Counts a status for each word in its text that a room has chosen.
    pub(crate) fn add_status(&mut self, text: &str, now: u64) {
        for word in self.finder.find(text) {
            if let Some(window) = self.windows.get_mut(word) {
                window.add(now);
            }
        }
    }

    /// Returns the mentions of a room's words in their original form.
    pub(crate) fn of(&mut self, place: &Place, now: u64) -> Mentioned {
        match self.rooms.get(place) {
            Some(words) => mentioned(&mut self.windows, words, now),
            None => Vec::new(),
        }
    }

    pub(crate) fn all(&mut self, now: u64) -> Vec<(Place, Mentioned)> {
        let Self { rooms, windows, .. } = self;
        let rooms = rooms.iter();
        rooms
            .map(|(place, words)| (place.clone(), mentioned(windows, words, now)))
            .collect()
    }
}

fn mentioned(
    windows: &mut HashMap<Arc<str>, Window>,
    words: &BTreeMap<Arc<str>, Word>,
    now: u64,
) -> Mentioned {
    let mut count = |key: &str| windows.get_mut(key).map_or(0, |window| window.count(now));
    let words = words.iter();
    words
        .map(|(key, word)| (word.to_string(), count(key)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_share_words_until_last_room_removes_them() {
        let place = |oauth_id: &str, room: u64| (OauthId::from(oauth_id), RoomId::from(room));
        let (here, there) = (place("one", 1), place("two", 1));
        let chosen = |places: &[(&Place, &str)]| -> Vec<_> {
            let places = places.iter();
            places
                .map(|(place, word)| ((*place).clone(), (*word).to_owned()))
                .collect()
        };
        let mut counts = Counts::default();
        counts.choose(chosen(&[(&here, "rust")]));
        counts.add_status("rust with TEA", 0);
        let all = chosen(&[
            (&here, "rust"),
            (&there, "RUST"),
            (&there, "tea"),
            (&there, "Tea"),
        ]);
        counts.choose(all);
        counts.add_status("rust with TEA", 0);
        assert_eq!(counts.of(&here, 0), [("rust".to_owned(), 2)]);
        let both = [("RUST".to_owned(), 2), ("Tea".to_owned(), 1)];
        assert_eq!(counts.of(&there, 0), both);

        counts.choose(chosen(&[(&here, "rust")]));
        assert_eq!(counts.of(&there, 0), []);
        assert_eq!(counts.windows.len(), 1);
        counts.choose([]);
        assert!(counts.windows.is_empty());
        assert_eq!(counts.all(0), []);
    }
}
