package templates

import (
	"bytes"
	"testing"
)

func TestRenderEveryPage(t *testing.T) {
	set, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for name, page := range samplePages() {
		t.Run(name, func(t *testing.T) {
			if err := set.Render(new(bytes.Buffer), page); err != nil {
				t.Fatal(err)
			}
		})
	}
}
