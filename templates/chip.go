package templates

import "net/url"

// Chip is one filter that is set, with the URL that takes it away.
type Chip struct {
	Key, Label, Value string
	Remove            string
}

// chips gathers those of a filter that are set.
type chips struct {
	without func(key string) string // the list without a parameter
	set     []Chip
}

// add adds a filter unless it is empty. Word is what it says for people.
func (c *chips) add(key, label, value, word string) {
	if value != "" {
		c.set = append(c.set, Chip{key, label, word, c.without(key)})
	}
}

// hidden are the parameters of the keys that are set, but one, as hidden fields of a form.
func hidden(values url.Values, keys []string, but string) []Option {
	var fields []Option
	for _, key := range keys {
		if v := values.Get(key); v != "" && key != but {
			fields = append(fields, Option{Value: v, Label: key})
		}
	}
	return fields
}
