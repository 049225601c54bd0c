package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

func TestLeadsTo(t *testing.T) {
	for _, test := range []struct {
		route, path string
		want        bool
	}{
		{"/secrets/{secret}", "/secrets/4", true},
		{"/secrets/{secret}", "/secrets/new?environment=production", false},
		{"/secrets/{secret}", "/secrets/4/edit", false},
		{"/secrets/new", "/secrets/new?environment=production", true},
		{"/environments/{environment}/keys/recipients/new", "/environments/production/keys/recipients/new?kind=kms", true},
		{"/secrets/{secret}/versions/{version}/rollback", "/secrets/4/versions/1/rollback", true},
		{"/", "/", true},
		{"/", "/secrets", false},
	} {
		if got := leadsTo(test.route, test.path); got != test.want {
			t.Errorf("%s leads to %s: got %t, want %t", test.path, test.route, got, test.want)
		}
	}
}

func TestEveryPage(t *testing.T) {
	if err := everyPage([]page{{"secrets", "/secrets"}}); err == nil {
		t.Error("a world of one picture has all pages")
	}
}

// TestBestAreShown holds that every picture of the documentation is one of the best, that it is
// there and small enough, and that each of the best is shown.
func TestBestAreShown(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`\(((?:docs/)?screenshots/([a-z-]+)\.png)\)`).FindAllStringSubmatch(string(text), -1) {
			shown[found[2]] = true
			file, err := os.Stat(filepath.Join(filepath.Dir(page), found[1]))
			if err != nil || file.Size() > heaviest || !slices.Contains(best, found[2]) {
				t.Errorf("%s shows %s, which is not there, too heavy or not taken: %v", page, found[1], err)
			}
		}
	}
	for _, name := range best {
		if !shown[name] {
			t.Errorf("no page shows %s", name)
		}
	}
}

// TestInPalette holds that few colours stay as they are, and that many become 256.
func TestInPalette(t *testing.T) {
	picture := func(colours int) *image.RGBA {
		p := image.NewRGBA(image.Rect(0, 0, 64, 64))
		for i := range 64 * 64 {
			n := uint8(i % colours % 256)
			p.SetRGBA(i%64, i/64, color.RGBA{n, uint8(i % colours / 256), 255 - n, 255})
		}
		return p
	}
	for _, colours := range []int{3, 256, 700} {
		var b bytes.Buffer
		whole := picture(colours)
		if err := png.Encode(&b, whole); err != nil {
			t.Fatal(err)
		}
		small, err := inPalette(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		got, err := png.Decode(bytes.NewReader(small))
		if err != nil {
			t.Fatal(err)
		}
		paletted, ok := got.(*image.Paletted)
		if !ok || len(paletted.Palette) != min(colours, 256) {
			t.Fatalf("%d colours: a %T", colours, got)
		}
		for i := range 64 * 64 {
			if colours <= 256 && color.RGBAModel.Convert(got.At(i%64, i/64)) != whole.RGBAAt(i%64, i/64) {
				t.Fatalf("%d colours: the point %d is another", colours, i)
			}
		}
	}
}

// TestPaletteKeepsRareColours has a dot of amber among more greys than a palette holds, each of which is
// more frequent.
func TestPaletteKeepsRareColours(t *testing.T) {
	amber := color.RGBA{224, 142, 11, 255}
	frequent := map[color.RGBA]int{amber: 40}
	for i := range 256 {
		n := uint8(i)
		for j := range 3 {
			frequent[color.RGBA{n, n, min(n, 250) + uint8(j), 255}] += 100 + i
		}
	}
	palette := paletteOf(frequent)
	if len(palette) != 256 {
		t.Errorf("%d colours", len(palette))
	}
	if got := palette.Convert(amber); got != amber {
		t.Errorf("amber became %v", got)
	}
}
