package sync

import (
	"encoding/json"
	"strconv"
	"strings"
)

// RoundNumbers is a canonical object with its numbers as Vault gives them back, which reads
// each as a 64-bit float: 1.0 as 1, 1e2 as 100. It is exact where they all are the same numbers
// still; one that would not be (12345678901234567890) stays as written.
func RoundNumbers(canonical []byte) (rounded []byte, exact bool) {
	exact = true
	s := scanner{text: canonical, number: func(text []byte) []byte {
		short, same := roundNumber(string(text))
		exact = exact && same
		return []byte(short)
	}}
	rounded, err := s.value(make([]byte, 0, len(canonical)))
	if err != nil {
		return canonical, false
	}
	return rounded, exact
}

// roundNumber is the shortest text of a number as a 64-bit float, as encoding/json writes it.
func roundNumber(text string) (short string, same bool) {
	float, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text, false
	}
	encoded, err := json.Marshal(float)
	if err != nil || decimalOf(text) != decimalOf(string(encoded)) {
		return text, false
	}
	return string(encoded), true
}

// decimal is a number as sign, digits without zeros at either end, and the power of ten of the
// last one. Zero has no digits.
type decimal struct {
	negative bool
	digits   string
	power    int
}

func decimalOf(text string) decimal {
	var d decimal
	text, d.negative = strings.CutPrefix(text, "-")
	mantissa, power := text, "0"
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		mantissa, power = text[:at], text[at+1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	d.digits = strings.TrimRight(digits, "0")
	if d.power, _ = strconv.Atoi(power); d.digits != "" { // an exponent that is no int belongs to no float but 0
		d.power += len(digits) - len(d.digits) - len(fraction)
	}
	if d.digits = strings.TrimLeft(d.digits, "0"); d.digits == "" {
		d.power = 0
	}
	return d
}
