//! How often each word was mentioned, and which room listens for which words.

use std::collections::{BTreeSet, HashMap, HashSet};

use glance_sdk::model::{OauthId, RoomId};

use crate::window::Window;

/// A room of an installation.
pub(crate) type Place = (OauthId, RoomId);

/// Of each word of a room, how often the past hour mentioned it.
pub(crate) type Mentioned = Vec<(String, u64)>;

/// One window a word, however many rooms have chosen it.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    rooms: HashMap<Place, BTreeSet<String>>,
    windows: HashMap<String, Window>,
}

impl Counts {
    /// Replaces the words of all rooms. A word that was chosen before keeps its count.
    pub(crate) fn choose(&mut self, chosen: impl IntoIterator<Item = (Place, String)>) {
        self.rooms.clear();
        for (place, word) in chosen {
            self.rooms.entry(place).or_default().insert(word);
        }
        self.keep_what_is_chosen();
    }

    fn keep_what_is_chosen(&mut self) {
        let chosen: BTreeSet<_> = self.rooms.values().flatten().collect();
        self.windows.retain(|word, _| chosen.contains(word));
        for word in chosen {
            if !self.windows.contains_key(word) {
                self.windows.insert(word.clone(), Window::new());
            }
        }
    }

    /// Counts a status for each of its words that some room has chosen.
    pub(crate) fn heard(&mut self, words: &HashSet<String>, now: u64) {
        for word in words {
            if let Some(window) = self.windows.get_mut(word) {
                window.add(now);
            }
        }
    }

    pub(crate) fn of(&mut self, place: &Place, now: u64) -> Mentioned {
        let words = self.rooms.get(place).cloned().unwrap_or_default();
        mentioned(&mut self.windows, words, now)
    }

    pub(crate) fn all(&mut self, now: u64) -> Vec<(Place, Mentioned)> {
        let Self { rooms, windows } = self;
        let rooms = rooms.iter();
        rooms
            .map(|(place, words)| (place.clone(), mentioned(windows, words.clone(), now)))
            .collect()
    }
}

fn mentioned(
    windows: &mut HashMap<String, Window>,
    words: BTreeSet<String>,
    now: u64,
) -> Mentioned {
    let mut count = |word: &str| windows.get_mut(word).map_or(0, |window| window.count(now));
    words
        .into_iter()
        .map(|word| {
            let count = count(&word);
            (word, count)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_share_a_word_and_it_is_forgotten_with_the_last() {
        let place = |oauth_id: &str, room: u64| (OauthId::from(oauth_id), RoomId::from(room));
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let (here, there) = (place("one", 1), place("two", 1));
        let chosen = |places: &[(&Place, &str)]| -> Vec<_> {
            let places = places.iter();
            places
                .map(|(place, word)| ((*place).clone(), (*word).to_owned()))
                .collect()
        };
        let mut counts = Counts::default();
        counts.choose(chosen(&[(&here, "rust")]));
        counts.heard(&words(&["rust", "tea"]), 0);
        let all = chosen(&[(&here, "rust"), (&there, "rust"), (&there, "tea")]);
        counts.choose(all);
        counts.heard(&words(&["rust", "tea"]), 0);
        assert_eq!(counts.of(&here, 0), [("rust".to_owned(), 2)]);
        let both = [("rust".to_owned(), 2), ("tea".to_owned(), 1)];
        assert_eq!(counts.of(&there, 0), both);

        counts.choose(chosen(&[(&here, "rust")]));
        assert_eq!(counts.of(&there, 0), []);
        assert_eq!(counts.windows.len(), 1);
        counts.choose([]);
        assert!(counts.windows.is_empty());
        assert_eq!(counts.all(0), []);
    }
}
