package cli

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

func tagsFlag(cmd *cobra.Command, into *[]string) {
	cmd.Flags().StringSliceVar(into, "tags", nil, "Tags of what is made, as KEY=VALUE with commas between; may be repeated")
}

// The limits of tags, less those of our own:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules.
const (
	maxTags     = 48
	maxTagKey   = 128
	maxTagValue = 256
)

// notInTag reports whether neither a key nor a value may hold a character:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html.
func notInTag(r rune) bool {
	return !unicode.In(r, unicode.L, unicode.N, unicode.Z) && !strings.ContainsRune("_.:/=+-@", r)
}

func parseTags(pairs []string) (map[string]string, error) {
	tags := map[string]string{}
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		lower := strings.ToLower(key)
		switch {
		case !ok || key == "":
			return nil, usagef("--tags %q: give KEY=VALUE", pair)
		case utf8.RuneCountInString(key) > maxTagKey || utf8.RuneCountInString(value) > maxTagValue:
			return nil, usagef("--tags %q: a key has at most %d characters, a value %d", key, maxTagKey, maxTagValue)
		case strings.ContainsFunc(pair, notInTag):
			return nil, usagef("--tags %q: AWS takes letters, digits, spaces and _.:/=+-@ in keys and values", pair)
		case strings.HasPrefix(lower, "aws:") || strings.HasPrefix(lower, "kubectl-irsa/"):
			return nil, usagef("--tags %q: keys that begin with aws: or kubectl-irsa/ are taken", key)
		case slices.ContainsFunc(slices.Collect(maps.Keys(tags)), func(k string) bool { return strings.EqualFold(k, key) }):
			return nil, usagef("--tags: %q is given twice", key)
		}
		tags[key] = value
	}
	if len(tags) > maxTags {
		return nil, usagef("--tags: at most %d", maxTags)
	}
	return tags, nil
}
