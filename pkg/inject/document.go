package inject

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document gives every pod of one document, as Documents cuts them, what it
// lacks. A document in which nothing changes comes back as the same bytes. Where
// text is shared through anchors, or stands in a way that cannot be added to,
// the document is printed anew, with its comments and order, and a note says so.
func (j *Injector) Document(document []byte) ([]byte, []Workload, error) {
	if !matters(document) {
		return document, nil, nil
	}
	body, hasMark := bytes.CutPrefix(document, byteOrderMark)
	root, err := parse(body)
	if err != nil {
		return nil, nil, err
	}
	workloads, all := j.judgeAll(root)
	if len(all) == 0 {
		return document, workloads, nil
	}
	changed := change(body, root, all)
	if changed == nil {
		if changed, err = j.reprint(body, root); err != nil {
			return nil, workloads, err
		}
		for i := range workloads {
			if workloads[i].Changed {
				workloads[i].Notes = append(workloads[i].Notes, "shares text with others through anchors, or is written in an unusual way, so its document was printed anew")
				break
			}
		}
	}
	if hasMark {
		changed = append(bytes.Clone(byteOrderMark), changed...)
	}
	return changed, workloads, nil
}

func (j *Injector) judgeAll(root *yaml.Node) ([]Workload, []additions) {
	var workloads []Workload
	var all []additions
	for _, t := range templates(root) {
		w := Workload{Kind: t.kind, Name: t.name, Account: t.account()}
		id := j.Identity(w.Account)
		if w.Role = id.RoleARN; id.RoleARN != "" {
			var a additions
			if a, w.Notes = j.judge(t, id); !a.none() {
				w.Changed = true
				all = append(all, a)
			}
		}
		workloads = append(workloads, w)
	}
	return workloads, all
}

// change adds to the text, and proves by reading it again that nothing else
// became of it; nil where that is not so.
func change(body []byte, root *yaml.Node, all []additions) []byte {
	for _, a := range all {
		if !a.own {
			return nil
		}
	}
	changed, ok := newSplicer(body, root).splice(all)
	if !ok {
		return nil
	}
	for _, a := range all {
		a.apply()
	}
	again, err := parse(changed)
	if err != nil || !same(root, again) {
		return nil
	}
	return changed
}

// reprint writes a document out from its nodes, without aliases.
func (j *Injector) reprint(body []byte, root *yaml.Node) ([]byte, error) {
	budget := maxExpanded
	plain, err := expand(root, &budget)
	if err != nil {
		return nil, err
	}
	_, all := j.judgeAll(plain)
	for _, a := range all {
		a.apply()
	}
	if json.Valid(body) {
		var b strings.Builder
		flow{indent: "  ", newline: "\n", colon: ": "}.write(&b, plain.Content[0], "", true)
		return []byte(b.String() + "\n"), nil
	}
	var out bytes.Buffer
	if first, _, _ := bytes.Cut(body, []byte("\n")); separates(first) {
		out.WriteString("---\n")
	}
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(plain); err != nil {
		return nil, fmt.Errorf("printing it anew: %w", err)
	}
	return out.Bytes(), encoder.Close()
}

// apply makes the additions in the tree.
func (a *additions) apply() {
	for _, l := range a.containers {
		if len(l.env) > 0 {
			extend(l.container, "env", envNodes(l.env), false)
		}
		if l.mount {
			extend(l.container, "volumeMounts", []*yaml.Node{mountNode()}, false)
		}
	}
	if a.volume != nil {
		extend(a.spec, "volumes", []*yaml.Node{volumeNode(*a.volume)}, true)
	}
}

func extend(mapping *yaml.Node, key string, nodes []*yaml.Node, front bool) {
	list := child(mapping, key)
	switch {
	case list == nil:
		mapping.Content = append(mapping.Content, scalar(key, "!!str"), sequence(nodes...))
	case list.Kind != yaml.SequenceNode || len(list.Content) == 0:
		_, i := find(mapping, key)
		mapping.Content[i+1] = sequence(nodes...)
	case front:
		list.Content = append(nodes, list.Content...)
	default:
		list.Content = append(list.Content, nodes...)
	}
}

func scalar(value, tag string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

func sequence(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
}

// pairs is a mapping of keys and values in turn.
func pairs(of ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: of}
}

func str(s string) *yaml.Node { return scalar(s, "!!str") }

func envNodes(variables []variable) []*yaml.Node {
	var nodes []*yaml.Node
	for _, v := range variables {
		nodes = append(nodes, pairs(str("name"), str(v.name), str("value"), str(v.value)))
	}
	return nodes
}

func mountNode() *yaml.Node {
	return pairs(str("name"), str(VolumeName), str("readOnly"), scalar("true", "!!bool"), str("mountPath"), str(MountPath))
}

func volumeNode(id Identity) *yaml.Node {
	token := pairs(
		str("audience"), str(id.Audience),
		str("expirationSeconds"), scalar(fmt.Sprint(id.TokenSeconds), "!!int"),
		str("path"), str(TokenPath))
	return pairs(str("name"), str(VolumeName),
		str("projected"), pairs(str("sources"), sequence(pairs(str("serviceAccountToken"), token))))
}
