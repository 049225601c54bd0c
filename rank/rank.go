// Package rank says how well a text fits the few words that a person typed to find it.
package rank

import (
	"slices"
	"strings"
)

// maxWords bounds what one query costs.
const maxWords = 8

// Words are what is looked for, in lower case.
type Words []string

// Parse cuts a query at its spaces. Words beyond the eighth, and repeated ones, are left out.
func Parse(query string) Words {
	var words Words
	for word := range strings.FieldsSeq(strings.ToLower(query)) {
		if len(words) < maxWords && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}

// Longest is the word that narrows a search the most, "" where there is none.
func (w Words) Longest() string {
	longest := ""
	for _, word := range w {
		if len(word) > len(longest) {
			longest = word
		}
	}
	return longest
}

// Score is how well a text in lower case fits: the more, the better; 0 where any word is not
// in it. A word counts more where it begins a part of the text than inside of one, more still
// where it is the whole part, and more in the last part of a path. Of texts that fit alike
// the shorter is the better.
func (w Words) Score(text string) int {
	if len(w) == 0 {
		return 0
	}
	fit := 0
	for _, word := range w {
		best := best(text, word)
		if best == 0 {
			return 0
		}
		fit += best
	}
	return fit*scale/len(w) + scale - min(len(text), scale-1)
}

// scale keeps how a text fits above how short it is.
const scale = 1024

// best is the best fit of any place where the word stands in a text.
func best(text, word string) int {
	most, leaf := 0, strings.LastIndexByte(text, '/')+1
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return most
		}
		most = max(most, fit(text, from+i, from+i+len(word), leaf))
		from += i + 1
	}
}

// fit is how good a place is, from 1 to 7.
func fit(text string, from, to, leaf int) int {
	before, behind := part(text, from-1), part(text, to)
	points := 1
	switch {
	case before == edge && behind == edge:
		points = 6
	case before == edge:
		points = 4
	case before == joint && behind != inner:
		points = 3
	case before == joint:
		points = 2
	}
	if from >= leaf {
		points++
	}
	return points
}

// What may stand beside a word.
const (
	inner = iota // more of the same word
	joint        // what joins words to a name
	edge         // the end of a name, or of the text
)

func part(text string, i int) int {
	if i < 0 || i >= len(text) {
		return edge
	}
	switch text[i] {
	case '/', ' ':
		return edge
	case '-', '_', '.', '+', '=', '@', ':':
		return joint
	}
	return inner
}
