use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Checks all that has to be true of the links between nodes.
fn check(tree: &TopicTree<u32>) {
    let nodes = u32::try_from(tree.nodes.len()).unwrap();
    let mut reached = 1;
    for at in 0..nodes {
        let node = &tree.nodes[at];
        assert!(at == ROOT || !node.value.is_vacant() || node.children.len() > 1, "{at} isn't needed");
        assert!(node.children.is_sorted_by(|a, b| a.first < b.first));
        for edge in &node.children {
            let child = &tree.nodes[edge.child()];
            assert_eq!((child.parent, child.label.as_slice()[0]), (at, edge.first));
            reached += 1;
        }
    }
    assert_eq!(reached, nodes, "each node is somebody's child");
}

fn topics_from(tree: &TopicTree<u32>, bound: &[u8]) -> Vec<Bytes> {
    std::iter::successors(tree.first_from(bound), |at| tree.next(*at)).map(|at| tree.topic(at)).collect()
}

#[test]
fn an_emptied_tree_has_one_node() {
    let mut tree = TopicTree::default();
    let topics = ["abc", "abd", "ab", "x", "", "abcdef", &"long".repeat(100)];
    for topic in topics {
        let at = tree.make(topic.as_bytes());
        *tree.value_mut(at) = 1;
    }
    for topic in topics {
        let at = tree.find(topic.as_bytes()).unwrap();
        *tree.value_mut(at) = 0;
        tree.prune(at, &mut |_, _, _| {});
        check(&tree);
    }
    assert!(tree.has_root_only());
    assert_eq!(tree.nodes.len(), 1);
}

#[test]
fn the_size_of_a_node_is_bounded() {
    assert_eq!(size_of::<Node<u32>>(), 32);
    assert_eq!(size_of::<Edge>(), 5);
}

proptest! {
    #[test]
    fn the_tree_agrees_with_a_sorted_map_and_node_numbers_have_no_gaps(
        steps in prop::collection::vec(("[ab]{0,5}|[ab]{14,16}", any::<bool>()), 0..80),
        probes in prop::collection::vec("[abc]{0,7}|[ab]{14,18}", 5),
    ) {
        let (mut tree, mut model, mut numbers) = (TopicTree::<u32>::default(), BTreeMap::new(), BTreeMap::new());
        for (n, (topic, insert)) in (1..).zip(steps) {
            let topic = Bytes::from(topic);
            if insert {
                let at = tree.make(&topic);
                *tree.value_mut(at) = n;
                model.insert(topic.clone(), n);
                numbers.insert(topic, at);
            } else if model.remove(&topic).is_some() {
                let at = numbers.remove(&topic).unwrap();
                prop_assert_eq!(tree.find(&topic), Some(at));
                *tree.value_mut(at) = 0;
                let mut renumbered = Vec::new();
                tree.prune(at, &mut |value, from, to| renumbered.push((*value, from, to)));
                for (value, from, to) in renumbered.into_iter().filter(|(value, ..)| *value != 0) {
                    let (topic, _) = model.iter().find(|(_, n)| **n == value).unwrap();
                    prop_assert_eq!(numbers.insert(topic.clone(), to), Some(from));
                }
            }
            check(&tree);
        }
        for (topic, at) in &numbers {
            prop_assert_eq!((tree.topic(*at), *tree.value(*at)), (topic.clone(), model[topic]));
        }
        for probe in probes.iter().map(String::as_bytes) {
            let mut found = Vec::new();
            tree.find_prefix(probe, |value| { found.extend((*value != 0).then_some(*value)); false });
            let expected: Vec<_> = model.iter().filter(|(topic, _)| probe.starts_with(topic)).map(|(_, n)| *n).collect();
            prop_assert_eq!(tree.find_prefix(probe, |value| *value != 0), !expected.is_empty());
            prop_assert_eq!(found, expected);
            let expected: Vec<Bytes> = model.keys().filter(|topic| &topic[..] >= probe).cloned().collect();
            prop_assert_eq!(topics_from(&tree, probe), expected);
        }
    }
}
