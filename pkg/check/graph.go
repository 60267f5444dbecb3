package check

import (
	"fmt"
	"strings"
)

// worst is the status of each link, in order.
func worst(findings []Finding) (links []string, status map[string]Status, causes map[string][]string) {
	rank := map[Status]int{Skip: 0, Pass: 1, Unknown: 2, Warn: 3, Fail: 4}
	status, causes = map[string]Status{}, map[string][]string{}
	for _, f := range findings {
		was, seen := status[f.Link]
		if !seen {
			links = append(links, f.Link)
		}
		if !seen || rank[f.Status] > rank[was] {
			status[f.Link] = f.Status
		}
		if f.Status == Fail || f.Status == Warn {
			causes[f.Link] = append(causes[f.Link], strings.TrimSpace(f.ID+" "+f.Cause))
		}
	}
	return links, status, causes
}

var graphColors = map[Status]string{Pass: "#d3f2d9", Warn: "#fdf0c4", Fail: "#f9d0cf", Unknown: "#d6ebf7", Skip: "#ececec"}

// Mermaid draws the chain as a Mermaid flowchart, one node for each link:
// https://mermaid.js.org/syntax/flowchart.html.
func Mermaid(title string, findings []Finding) string {
	links, status, causes := worst(findings)
	var b strings.Builder
	// In YAML a string in double quotes has Go's escapes: https://yaml.org/spec/1.2.2/#57-escaped-characters.
	fmt.Fprintf(&b, "---\ntitle: %q\n---\nflowchart LR\n", title)
	for i, link := range links {
		label := strings.Join(append([]string{link + ": " + string(status[link])}, causes[link]...), "<br/>")
		fmt.Fprintf(&b, "  n%d[\"%s\"]:::%s\n", i, mermaidText(label), status[link])
	}
	for i := 1; i < len(links); i++ {
		arrow := "-->"
		if s := status[links[i]]; s == Fail {
			arrow = "-.-x"
		} else if s == Skip || s == Unknown {
			arrow = "-.->"
		}
		fmt.Fprintf(&b, "  n%d %s n%d\n", i-1, arrow, i)
	}
	for _, s := range Statuses {
		fmt.Fprintf(&b, "  classDef %s fill:%s,stroke:#555,color:#111\n", s, graphColors[s])
	}
	return b.String()
}

func mermaidText(s string) string { return strings.NewReplacer(`"`, "#quot;", "\n", " ").Replace(s) }

// Dot draws the chain in the DOT language, one node for each link:
// https://graphviz.org/doc/info/lang.html.
func Dot(title string, findings []Finding) string {
	links, status, causes := worst(findings)
	var b strings.Builder
	fmt.Fprintf(&b, "digraph chain {\n  label=%q; labelloc=t; rankdir=LR; fontname=\"sans-serif\";\n", title)
	b.WriteString("  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n")
	for i, link := range links {
		label := strings.Join(append([]string{link, string(status[link])}, causes[link]...), "\n")
		fmt.Fprintf(&b, "  n%d [label=%q, fillcolor=%q];\n", i, label, graphColors[status[link]])
	}
	for i := 1; i < len(links); i++ {
		style := "solid"
		if status[links[i]] != Pass && status[links[i]] != Warn {
			style = "dashed"
		}
		fmt.Fprintf(&b, "  n%d -> n%d [style=%s];\n", i-1, i, style)
	}
	b.WriteString("}\n")
	return b.String()
}
