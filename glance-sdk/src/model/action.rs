//! The `action` capability: an item in the menu of a message or of the input field.

use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use super::{Condition, Extra, Target, Text};

/// An item in the menu of a message or of the input field.
///
/// ```
/// use glance_sdk::model::{Action, ActionLocation};
///
/// let action = Action::new("remind", "Remind me", ActionLocation::Message, "remind-dialog");
/// assert_eq!(action.target.key(), Some("remind-dialog"));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Action {
    /// 1 to 40 of `a-z A-Z 0-9 _ - .`, unique within the add-on. The target's page receives an
    /// event with this name.
    pub key: String,
    /// The text of the menu item.
    pub name: Text,
    /// The menu.
    pub location: ActionLocation,
    /// The target that the item opens: the key of a web panel, dialog or external page, or of a
    /// glance, whose own target it opens.
    pub target: Target,
    /// The position: items are sorted in ascending order. The default is 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i64>,
    /// The conditions, all of which must hold for the item to appear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Action {
    /// Creates an item that always appears.
    pub fn new(
        key: impl Into<String>,
        name: impl Into<Text>,
        location: ActionLocation,
        target: impl Into<Target>,
    ) -> Self {
        Self {
            key: key.into(),
            name: name.into(),
            location,
            target: target.into(),
            weight: None,
            conditions: None,
            extra: Extra::new(),
        }
    }

    /// Sets the position: items are sorted by weight in ascending order.
    #[must_use]
    pub fn weight(mut self, weight: i64) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Adds a condition. All conditions must hold for the item to appear.
    ///
    /// ```
    /// use glance_sdk::model::{Action, ActionLocation, Condition, Match};
    ///
    /// let action = Action::new("assign", "Assign", ActionLocation::Message, "assign-dialog")
    ///     .condition(Condition::card_matches([Match::eq("kind", "ticket")]));
    /// assert_eq!(action.conditions().len(), 1);
    /// ```
    #[must_use]
    pub fn condition(mut self, condition: Condition) -> Self {
        self.conditions.get_or_insert_default().push(condition);
        self
    }

    /// Returns the weight. The default is 100.
    pub fn weight_or_default(&self) -> i64 {
        self.weight.unwrap_or(100)
    }

    /// Returns the conditions, which are empty by default.
    ///
    /// ```
    /// use glance_sdk::model::{Action, ActionLocation, Condition, ConditionName};
    ///
    /// let action = Action::new("close", "Close", ActionLocation::Message, "close-dialog")
    ///     .condition(Condition::named(ConditionName::MessageContainsLink));
    /// assert_eq!(action.conditions().len(), 1);
    /// ```
    pub fn conditions(&self) -> &[Condition] {
        self.conditions.as_deref().unwrap_or_default()
    }
}

open_enum! {
    /// The menu of an action.
    ///
    /// ```
    /// use glance_sdk::model::ActionLocation;
    ///
    /// assert_eq!(ActionLocation::Message.as_str(), "hipchat.message.action");
    /// ```
    pub enum ActionLocation {
        /// The menu of a message.
        Message = "hipchat.message.action",
        /// The menu of the input field.
        Input = "hipchat.input.action",
    }
}
