// Package passwords knows which passwords are too easy to guess. It needs no network: the
// list of common passwords is part of the program.
//
// common.txt.gz is the password list of @zxcvbn-ts/language-common 4.1.3 (MIT, LICENSE.txt),
// in lower case, sorted by bytes, one a line, without those of fewer than four characters.
package passwords

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

//go:embed common.txt.gz
var packed []byte

// common is the list, unpacked at the first use.
var common = sync.OnceValue(func() []string {
	in, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic("passwords: the built-in list cannot be read: " + err.Error())
	}
	text, err := io.ReadAll(in)
	if err != nil {
		panic("passwords: the built-in list cannot be read: " + err.Error())
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
})

// Lengths of passwords: characters at least, bytes at most.
const (
	MinLength = 12
	MaxBytes  = 1024
)

// What is little: characters that are left when what is easy to guess is taken away.
const (
	fewAround   = 8 // around a common password
	fewLeft     = 6 // beside sequences
	fewDistinct = 5
	shortUnit   = 8 // of a password that repeats itself
	shortName   = 3 // shorter names stand in too many words
)

// Problem says what is wrong with a password, as the end of a sentence that begins with its
// name: "must not …"; "" where nothing is. About are the person's names and addresses.
func Problem(password string, about ...string) string {
	lower := strings.ToLower(password)
	switch {
	case utf8.RuneCountInString(password) < MinLength:
		return "must be at least 12 characters"
	case len(password) > MaxBytes:
		return "must be at most 1024 bytes"
	case names(lower, about):
		return "must not contain the user name, or another name or address of its person"
	case distinct(lower) < fewDistinct:
		return "must not be a few characters again and again"
	case utf8.RuneCountInString(unit(lower)) < shortUnit:
		return "must not repeat itself"
	case len([]rune(lower))-inSequence([]rune(lower)) < fewLeft:
		return "must not be a sequence, as of the alphabet or of keys that lie side by side"
	case isCommon(lower):
		return "must not be a common password, or one with a few characters around it"
	}
	return ""
}

// names reports whether a password contains one of the texts about its person, or a word of
// one.
func names(lower string, about []string) bool {
	for _, text := range about {
		text = strings.ToLower(text)
		words := strings.FieldsFunc(text, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
		for _, word := range append(words, text) {
			if utf8.RuneCountInString(word) >= shortName && strings.Contains(lower, word) {
				return true
			}
		}
	}
	return false
}

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, c := range s {
		seen[c] = true
	}
	return len(seen)
}

// unit is the shortest text of which s is a repetition, the last one perhaps cut off; s
// itself where there is none.
func unit(s string) string {
	for n := 1; n <= len(s)/2; n++ {
		if utf8.RuneStart(s[n]) && strings.HasPrefix(s[n:], s[:len(s)-n]) {
			return s[:n]
		}
	}
	return s
}

// rows are keys that lie side by side, and letters and digits in their order.
var rows = []string{
	"abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "qwertzuiopü", "azertyuiop", "!@#$%^&*()_+",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
}

// inSequence counts the characters that stand in runs of four or more along a row, in either
// direction.
func inSequence(s []rune) int {
	const least = 4
	n := 0
	for i := 0; i < len(s); {
		end := i + 1
		for end < len(s) && along(string(s[i:end+1])) {
			end++
		}
		if end-i >= least {
			n += end - i
			i = end
			continue
		}
		i++
	}
	return n
}

func along(part string) bool {
	back := []rune(part)
	slices.Reverse(back)
	for _, row := range rows {
		if strings.Contains(row, part) || strings.Contains(row, string(back)) {
			return true
		}
	}
	return false
}

// unleet reads the usual substitutions as the letters that they stand for.
var unleet = []*strings.Replacer{
	strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i"),
	strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "l"),
}

// isCommon reports whether a password is in the list, as it is, with letters for what is
// written in their place, repeated, or with a few digits and signs around it.
func isCommon(lower string) bool {
	forms := []string{lower, unit(lower)}
	core := strings.TrimFunc(lower, func(c rune) bool { return !unicode.IsLetter(c) && !strings.ContainsRune("@$", c) })
	if utf8.RuneCountInString(lower)-utf8.RuneCountInString(core) <= fewAround {
		forms = append(forms, core)
	}
	for _, form := range forms {
		if listed(form) || listed(unleet[0].Replace(form)) || listed(unleet[1].Replace(form)) {
			return true
		}
	}
	return false
}

func listed(s string) bool {
	_, found := slices.BinarySearch(common(), s)
	return found
}
