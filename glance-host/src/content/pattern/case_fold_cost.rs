//! The cost of ignoring case: the compiler looks up each character of each class first, so no limit of the compiled
//! size bounds it.

use std::convert::Infallible;

use regex_syntax::ast::{
    self, Ast, ClassPerlKind, ClassSetItem, Flag, Flags, FlagsItemKind, Visitor,
};

/// The number of characters that the classes of a case-insensitive pattern may contain: three times `[\s\S]`, or
/// dozens of `[\w-]`. A million takes about ten milliseconds.
pub(super) const MAX_CHARACTERS: u32 = 4_000_000;

/// The number of characters in a class that contains every one.
const ALL: u32 = char::MAX as u32 + 1;

/// Returns whether a pattern costs little enough.
pub(super) fn is_allowed(pattern: &Ast) -> bool {
    let Ok(classes) = ast::visit(pattern, Classes::default());
    !classes.ignores_case || classes.characters <= MAX_CHARACTERS
}

/// Counts the characters in the classes of a pattern.
#[derive(Default)]
struct Classes {
    characters: u32,
    ignores_case: bool,
}

impl Classes {
    fn flags(&mut self, flags: &Flags) {
        let ignore = FlagsItemKind::Flag(Flag::CaseInsensitive);
        self.ignores_case |= flags.items.iter().any(|item| item.kind == ignore);
    }
}

impl Visitor for Classes {
    type Output = Self;
    type Err = Infallible;

    fn finish(self) -> Result<Self, Infallible> {
        Ok(self)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Infallible> {
        match ast {
            Ast::Flags(set) => self.flags(&set.flags),
            Ast::Group(group) => group.flags().into_iter().for_each(|set| self.flags(set)),
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Infallible> {
        let characters = match item {
            ClassSetItem::Range(range) => u32::from(range.end.c) - u32::from(range.start.c) + 1,
            ClassSetItem::Perl(class) if class.negated => ALL,
            ClassSetItem::Perl(class) => match class.kind {
                ClassPerlKind::Digit | ClassPerlKind::Space => 1000,
                ClassPerlKind::Word => 150_000,
            },
            // Python has no such classes.
            ClassSetItem::Ascii(_) | ClassSetItem::Unicode(_) => ALL,
            _ => 1,
        };
        self.characters = self.characters.saturating_add(characters);
        Ok(())
    }
}
