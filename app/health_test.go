package app

import (
	"testing"
	"time"
)

func TestInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 seconds", time.Second: "1 second", 90 * time.Second: "90 seconds", time.Minute: "1 minute",
		20 * time.Minute: "20 minutes", time.Hour: "1 hour", 90 * time.Minute: "90 minutes", 48 * time.Hour: "48 hours",
	} {
		if got := inWords(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
