package inject

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// follow is the node that an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// child is the value of a key of a mapping, as it stands there: an alias is not
// followed. nil where there is none.
func child(mapping *yaml.Node, key string) *yaml.Node {
	if _, i := find(mapping, key); i >= 0 {
		return mapping.Content[i+1]
	}
	return nil
}

func find(mapping *yaml.Node, key string) (keyNode *yaml.Node, index int) {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil, -1
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key && mapping.Content[i].Kind == yaml.ScalarNode {
			return mapping.Content[i], i
		}
	}
	return nil, -1
}

// at walks down the keys of mappings, and follows aliases and merge keys.
func at(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		n = follow(n)
		next := child(n, key)
		if next == nil {
			next = merged(n, key, maxMerges)
		}
		if n = next; n == nil {
			return nil
		}
	}
	return follow(n)
}

// merged looks for a key in what a mapping merges with <<.
// https://yaml.org/type/merge.html
func merged(mapping *yaml.Node, key string, depth int) *yaml.Node {
	if depth == 0 {
		return nil
	}
	for _, source := range mergeSources(mapping) {
		if found := child(source, key); found != nil {
			return found
		}
		if found := merged(source, key, depth-1); found != nil {
			return found
		}
	}
	return nil
}

// maxMerges bounds how deep mappings merge others: a mapping may merge itself.
const maxMerges = 16

func mergeSources(mapping *yaml.Node) []*yaml.Node {
	source := follow(child(mapping, "<<"))
	switch {
	case source == nil:
		return nil
	case source.Kind == yaml.SequenceNode:
		var all []*yaml.Node
		for _, s := range source.Content {
			all = append(all, follow(s))
		}
		return all
	}
	return []*yaml.Node{source}
}

func text(n *yaml.Node, keys ...string) string {
	if n = at(n, keys...); n != nil && n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
		return n.Value
	}
	return ""
}

func texts(n *yaml.Node, keys ...string) map[string]string {
	n = at(n, keys...)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	all := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if v := follow(n.Content[i+1]); v.Kind == yaml.ScalarNode {
			all[n.Content[i].Value] = v.Value
		}
	}
	return all
}

// items are the elements of a list, aliases followed.
func items(n *yaml.Node) []*yaml.Node {
	n = follow(n)
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	all := make([]*yaml.Node, len(n.Content))
	for i, item := range n.Content {
		all[i] = follow(item)
	}
	return all
}

// own reports whether a node's text is its alone: no alias, no anchor that an
// alias may name, nothing merged.
func own(n *yaml.Node) bool {
	return n == nil || n.Kind != yaml.AliasNode && n.Anchor == "" && (n.Kind != yaml.MappingNode || child(n, "<<") == nil)
}

// maxExpanded bounds the nodes of a document whose aliases are written out.
const maxExpanded = 200_000

var errExpanded = errors.New("its aliases stand for more than 200000 nodes")

// expand is a copy of a node with every alias and merge key written out.
func expand(n *yaml.Node, budget *int) (*yaml.Node, error) {
	n = follow(n)
	if *budget--; *budget < 0 {
		return nil, errExpanded
	}
	plain := *n
	plain.Anchor, plain.Content = "", nil
	for i := 0; i < len(n.Content); i++ {
		if n.Kind == yaml.MappingNode && i%2 == 0 && n.Content[i].Value == "<<" {
			i++ // written out below
			continue
		}
		c, err := expand(n.Content[i], budget)
		if err != nil {
			return nil, err
		}
		plain.Content = append(plain.Content, c)
	}
	for _, source := range mergeSources(n) {
		whole, err := expand(source, budget)
		if err != nil {
			return nil, err
		}
		if whole.Kind != yaml.MappingNode {
			return nil, fmt.Errorf("line %d: << merges what is no mapping", n.Line)
		}
		for i := 0; i+1 < len(whole.Content); i += 2 {
			if child(&plain, whole.Content[i].Value) == nil {
				plain.Content = append(plain.Content, whole.Content[i], whole.Content[i+1])
			}
		}
	}
	return &plain, nil
}

// same reports whether two documents say the same: comments and style aside.
func same(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Value != b.Value || a.Anchor != b.Anchor || len(a.Content) != len(b.Content) {
		return false
	}
	if a.Kind == yaml.ScalarNode && a.ShortTag() != b.ShortTag() {
		return false
	}
	for i := range a.Content {
		if !same(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}
