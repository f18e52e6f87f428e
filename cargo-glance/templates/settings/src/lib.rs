//! A note for each room: one glance, a panel with a form, and its own database.

mod notes;
mod panel;

use glance_sdk::prelude::*;

pub use notes::Notes;

/// The metadata for the glance's condition.
#[derive(Serialize, GlanceMetadata)]
pub struct Note {
    is_written: bool,
}

/// Shows the room's note. While there is none, only the room's owner sees the glance, to write one.
#[glance(key = "{{ name }}", name = "{{ title }}", icon = "/icon.svg", target = "{{ name }}-panel",
         audience = "room", when(is_written || user::is_room_owner))]
pub async fn {{ glance }}(
    query: RoomQuery,
    State(notes): State<Notes>,
) -> Result<GlanceData<Note>, Failure> {
    let note = notes.get(query.oauth_id(), query.room_id())?;
    Ok(data(note.as_deref()))
}

fn data(note: Option<&str>) -> GlanceData<Note> {
    let label = match note {
        Some(note) => label!("{note}"),
        None => label!("Write a note"),
    };
    GlanceData::new(label).metadata(Note {
        is_written: note.is_some(),
    })
}

/// Creates the add-on.
pub fn add_on(notes: Notes) -> AddOn<Notes> {
    AddOn::new("com.example.{{ name }}", "{{ title }}")
        .description("Keeps a note for each room.")
        .state(notes)
        .on_uninstall(async |notes: Notes, gone| notes.forget(gone.oauth_id()))
        .glance::<{{ glance }}>()
        .web_panel("{{ name }}-panel", "{{ title }}", get(panel::show))
        .route("/note", post(panel::save))
        .asset("/panel.js", "text/javascript", include_bytes!("panel.js"))
        .asset("/icon.svg", "image/svg+xml", include_bytes!("../icon.svg"))
}
