//! The tree of a page, as `html5ever` builds it.

use std::borrow::Cow;
use std::cell::{Ref, RefCell};

use html5ever::tendril::StrTendril;
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::{Attribute, QualName, local_name, ns};

/// The number of a node; the document is 0.
pub(super) type NodeId = usize;

/// An element, the document, or a text.
#[derive(Default)]
pub(super) struct Node {
    /// Of an element, in lower case; the document's is empty; none of a text.
    pub(super) name: Option<String>,
    /// Of a text.
    pub(super) text: String,
    pub(super) children: Vec<NodeId>,
    parent: Option<NodeId>,
    attributes: Vec<(String, String)>,
}

impl Node {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Collects what the parser finds.
pub(super) struct Tree {
    nodes: RefCell<Vec<Node>>,
    names: RefCell<Vec<QualName>>,
}

impl Default for Tree {
    fn default() -> Self {
        let document = Node { name: Some(String::new()), ..Node::default() };
        Self { nodes: RefCell::new(vec![document]), names: RefCell::new(vec![nameless()]) }
    }
}

fn nameless() -> QualName {
    QualName::new(None, ns!(), local_name!(""))
}

impl Tree {
    pub(super) fn into_nodes(self) -> Vec<Node> {
        self.nodes.into_inner()
    }

    fn add(&self, node: Node, name: QualName) -> NodeId {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(node);
        self.names.borrow_mut().push(name);
        nodes.len() - 1
    }

    fn node_of(&self, child: NodeOrText<NodeId>) -> NodeId {
        match child {
            NodeOrText::AppendNode(node) => node,
            NodeOrText::AppendText(text) => self.add(Node { text: text.to_string(), ..Node::default() }, nameless()),
        }
    }

    fn detach(&self, node: NodeId) {
        let mut nodes = self.nodes.borrow_mut();
        if let Some(parent) = nodes[node].parent.take() {
            // What is moved was mostly added last.
            if let Some(at) = nodes[parent].children.iter().rposition(|child| *child == node) {
                nodes[parent].children.remove(at);
            }
        }
    }
}

impl TreeSink for Tree {
    type Handle = NodeId;
    type Output = Self;
    type ElemName<'a> = Ref<'a, QualName>;

    fn finish(self) -> Self {
        self
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> NodeId {
        0
    }

    fn elem_name<'a>(&'a self, target: &'a NodeId) -> Self::ElemName<'a> {
        Ref::map(self.names.borrow(), |names| &names[*target])
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> NodeId {
        let attributes = attributes.into_iter().map(|a| (a.name.local.to_string(), a.value.to_string())).collect();
        self.add(Node { name: Some(name.local.to_string()), attributes, ..Node::default() }, name)
    }

    fn create_comment(&self, _: StrTendril) -> NodeId {
        self.add(Node { name: Some(String::new()), ..Node::default() }, nameless())
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> NodeId {
        self.add(Node { name: Some(String::new()), ..Node::default() }, nameless())
    }

    fn append(&self, parent: &NodeId, child: NodeOrText<NodeId>) {
        if let NodeOrText::AppendText(text) = &child {
            let mut nodes = self.nodes.borrow_mut();
            let last = nodes[*parent].children.last().copied();
            if let Some(last) = last.filter(|last| nodes[*last].name.is_none()) {
                nodes[last].text.push_str(text);
                return;
            }
        }
        let node = self.node_of(child);
        self.detach(node);
        let mut nodes = self.nodes.borrow_mut();
        nodes[*parent].children.push(node);
        nodes[node].parent = Some(*parent);
    }

    fn append_based_on_parent_node(&self, element: &NodeId, previous: &NodeId, child: NodeOrText<NodeId>) {
        let has_parent = self.nodes.borrow()[*element].parent.is_some();
        match has_parent {
            true => self.append_before_sibling(element, child),
            false => self.append(previous, child),
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    /// A template's contents are not read.
    fn get_template_contents(&self, target: &NodeId) -> NodeId {
        *target
    }

    fn same_node(&self, x: &NodeId, y: &NodeId) -> bool {
        x == y
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &NodeId, child: NodeOrText<NodeId>) {
        let node = self.node_of(child);
        self.detach(node);
        let mut nodes = self.nodes.borrow_mut();
        let Some(parent) = nodes[*sibling].parent else { return };
        let siblings = &mut nodes[parent].children;
        let at = siblings.iter().rposition(|child| child == sibling).unwrap_or(siblings.len());
        siblings.insert(at, node);
        nodes[node].parent = Some(parent);
    }

    fn add_attrs_if_missing(&self, target: &NodeId, attributes: Vec<Attribute>) {
        let mut nodes = self.nodes.borrow_mut();
        for attribute in attributes {
            let name = attribute.name.local.to_string();
            if nodes[*target].attribute(&name).is_none() {
                nodes[*target].attributes.push((name, attribute.value.to_string()));
            }
        }
    }

    fn remove_from_parent(&self, target: &NodeId) {
        self.detach(*target);
    }

    fn reparent_children(&self, node: &NodeId, new_parent: &NodeId) {
        let mut nodes = self.nodes.borrow_mut();
        let children = std::mem::take(&mut nodes[*node].children);
        for child in &children {
            nodes[*child].parent = Some(*new_parent);
        }
        nodes[*new_parent].children.extend(children);
    }
}
