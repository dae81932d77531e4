//! The tree of tags: what each line is to somebody who hears the report instead of seeing it.

use krilla::tagging::{Identifier, ListNumbering, Node, TableHeaderScope, Tag, TagGroup, TagKind, TagTree};

use super::super::Language;
use super::level;

/// What a group is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Title(String),
    Heading(String),
    Paragraph,
    List,
    Item,
    Bullet,
    ItemBody,
    Table,
    Caption,
    Head,
    Body,
    Row,
    ColumnHeader,
    RowHeader,
    Cell,
}

impl Kind {
    fn tag(&self) -> TagKind {
        match self {
            Self::Title(text) => Tag::Hn(level(1), Some(text.clone())).into(),
            Self::Heading(text) => Tag::Hn(level(2), Some(text.clone())).into(),
            Self::Paragraph => Tag::P.into(),
            Self::List => Tag::L(ListNumbering::Disc).into(),
            Self::Item => Tag::LI.into(),
            Self::Bullet => Tag::Lbl.into(),
            Self::ItemBody => Tag::LBody.into(),
            Self::Table => Tag::Table.into(),
            Self::Caption => Tag::Caption.into(),
            Self::Head => Tag::THead.into(),
            Self::Body => Tag::TBody.into(),
            Self::Row => Tag::TR.into(),
            Self::ColumnHeader => Tag::TH(TableHeaderScope::Column).into(),
            Self::RowHeader => Tag::TH(TableHeaderScope::Row).into(),
            Self::Cell => Tag::TD.into(),
        }
    }
}

/// A member of a group: a group, or a line by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    Group(usize),
    Line(usize),
}

/// All groups; those that no group has are the document's own.
#[derive(Debug, Default)]
pub(super) struct Groups {
    all: Vec<(Kind, Vec<Member>)>,
    roots: Vec<usize>,
}

impl Groups {
    pub(super) fn root(&mut self, kind: Kind) -> usize {
        let index = self.make(kind);
        self.roots.push(index);
        index
    }

    pub(super) fn within(&mut self, parent: usize, kind: Kind) -> usize {
        let index = self.make(kind);
        self.put(parent, Member::Group(index));
        index
    }

    pub(super) fn put(&mut self, group: usize, member: Member) {
        if let Some((_, members)) = self.all.get_mut(group) {
            members.push(member);
        }
    }

    fn make(&mut self, kind: Kind) -> usize {
        self.all.push((kind, Vec::new()));
        self.all.len() - 1
    }

    fn build(&self, index: usize, lines: &[Option<Identifier>]) -> Option<TagGroup> {
        let (kind, members) = self.all.get(index)?;
        let members = members.iter().filter_map(|member| match member {
            Member::Group(group) => self.build(*group, lines).map(Node::from),
            Member::Line(line) => lines.get(*line).copied().flatten().map(Node::from),
        });
        Some(TagGroup::with_children(kind.tag(), members.collect()))
    }
}

pub(super) fn tree(groups: &Groups, lines: &[Option<Identifier>], language: Language) -> TagTree {
    let mut tree = TagTree::new().with_lang(Some(language.code().to_owned()));
    for root in &groups.roots {
        if let Some(group) = groups.build(*root, lines) {
            tree.push(group);
        }
    }
    tree
}
