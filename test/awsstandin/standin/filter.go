package standin

import (
	"strings"
)

// filter is one condition of a listing: its key's property must match one of the values.
type filter struct {
	Key    string
	Values []string
}

const (
	maxFilters      = 10
	maxFilterValues = 10
)

// matchers decide by filter key whether a secret has a property that a wanted value is a prefix of.
var matchers = map[string]func(s *secret, want string) bool{
	"name":        func(s *secret, want string) bool { return strings.HasPrefix(s.Name, want) },
	"description": func(s *secret, want string) bool { return hasWordPrefix(s.Description, want) },
	"tag-key": func(s *secret, want string) bool {
		return anyTag(s, func(t tag) bool { return strings.HasPrefix(t.Key, want) })
	},
	"tag-value": func(s *secret, want string) bool {
		return anyTag(s, func(t tag) bool { return strings.HasPrefix(t.Value, want) })
	},
	"primary-region": func(s *secret, want string) bool {
		return len(s.Replicas) > 0 && strings.HasPrefix(arnRegion(s.ARN), want)
	},
	"owning-service": func(*secret, string) bool { return false },
	"all":            matchAll,
}

func checkFilters(filters []filter) error {
	if len(filters) > maxFilters {
		return invalid("filters", "have length less than or equal to 10")
	}
	for _, f := range filters {
		if matchers[f.Key] == nil {
			return invalid("filters.member.key", "satisfy enum value set: [all, name, tag-key, description, tag-value, primary-region, owning-service]")
		}
		if err := checkLength("filters.member.values", len(f.Values), 1, maxFilterValues); err != nil {
			return err
		}
	}
	return nil
}

// matchFilters reports whether a secret satisfies every filter. A value that begins with "!" must not match.
func matchFilters(s *secret, filters []filter) bool {
	for _, f := range filters {
		if !f.match(s) {
			return false
		}
	}
	return true
}

func (f filter) match(s *secret) bool {
	matches := matchers[f.Key]
	wanted := false
	for _, value := range f.Values {
		if unwanted, negated := strings.CutPrefix(value, "!"); negated {
			if !matches(s, unwanted) {
				return true
			}
			continue
		}
		wanted = wanted || matches(s, value)
	}
	return wanted
}

// matchAll wants each word of the value at the beginning of a word of the name, description or tags, in any case.
func matchAll(s *secret, want string) bool {
	for _, word := range words(want) {
		if !hasWordPrefix(s.Name, word) && !hasWordPrefix(s.Description, word) &&
			!anyTag(s, func(t tag) bool { return hasWordPrefix(t.Key, word) || hasWordPrefix(t.Value, word) }) {
			return false
		}
	}
	return true
}

// hasWordPrefix reports whether the text, or the text from one of its words on, begins with the prefix in any case.
func hasWordPrefix(text, prefix string) bool {
	text, prefix = strings.ToLower(text), strings.ToLower(prefix)
	for at := 0; at <= len(text); {
		if strings.HasPrefix(text[at:], prefix) {
			return true
		}
		next := strings.IndexFunc(text[at:], isSeparator)
		if next < 0 {
			return false
		}
		at += next + 1
	}
	return false
}

func words(text string) []string { return strings.FieldsFunc(text, isSeparator) }

func isSeparator(r rune) bool { return strings.ContainsRune(" /_+=.@-", r) }

func anyTag(s *secret, match func(tag) bool) bool {
	for _, t := range s.Tags {
		if match(t) {
			return true
		}
	}
	return false
}

func arnRegion(arn string) string {
	parts := strings.SplitN(arn, ":", 5)
	if len(parts) < 5 {
		return ""
	}
	return parts[3]
}
