package main

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
)

// best are the pictures that the documentation shows.
var best = []string{
	"dashboard", "dashboard-dark", "dashboard-phone-dark", "failing-dashboard", "docs-secrets", "secrets", "secret", "sync", "plan", "secrets-phone", "keys", "environment-keys", "audit-filtered",
}

// heaviest is how many bytes a picture of the documentation may have.
const heaviest = 300_000

// Of a page that is longer than tallest only the beginning is shown, in pixels.
const (
	tallest   = 2500
	beginning = 1600
)

// copyBest puts the best pictures of a folder into another, in a palette of their own.
func copyBest(from, to string) error {
	for _, name := range best {
		whole, err := os.ReadFile(filepath.Join(from, name+".png"))
		if err != nil {
			return err
		}
		small, err := inPalette(whole)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if len(small) > heaviest {
			return fmt.Errorf("%s has %d bytes, more than the %d of a picture in the documentation", name, len(small), heaviest)
		}
		if err := os.WriteFile(filepath.Join(to, name+".png"), small, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// inPalette writes the beginning of a PNG anew with 256 colours. What is not among them becomes the
// nearest of them.
func inPalette(whole []byte) ([]byte, error) {
	read, err := png.Decode(bytes.NewReader(whole))
	if err != nil {
		return nil, err
	}
	shown := read.Bounds()
	if shown.Dy() > tallest {
		shown.Max.Y = shown.Min.Y + beginning
	}
	picture := image.NewRGBA(shown)
	draw.Draw(picture, shown, read, shown.Min, draw.Src)
	frequent := map[color.RGBA]int{}
	for i := 0; i < len(picture.Pix); i += 4 {
		frequent[rgba(picture.Pix[i:])]++
	}
	palette := paletteOf(frequent)
	index := map[color.RGBA]uint8{}
	for c := range frequent {
		index[c] = uint8(palette.Index(c))
	}
	small := image.NewPaletted(picture.Rect, palette)
	for i := range small.Pix {
		small.Pix[i] = index[rgba(picture.Pix[4*i:])]
	}
	var b bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, small)
	return b.Bytes(), err
}

// paletteOf are up to 256 of some colours: the most frequent ones, then those that are like none of them,
// for the dot of an environment has fewer points than the edges of letters have greys.
func paletteOf(frequent map[color.RGBA]int) color.Palette {
	const most, plain = 256, 160
	rest := slices.SortedFunc(maps.Keys(frequent), func(a, b color.RGBA) int {
		return cmp.Or(frequent[b]-frequent[a], cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	var palette color.Palette
	add := func(fits func(color.RGBA) bool) {
		rest = slices.DeleteFunc(rest, func(c color.RGBA) bool {
			taken := len(palette) < most && fits(c)
			if taken {
				palette = append(palette, c)
			}
			return taken
		})
	}
	add(func(color.RGBA) bool { return len(palette) < plain })
	add(func(c color.RGBA) bool { return apart(c, palette.Convert(c).(color.RGBA)) > 16 })
	add(func(color.RGBA) bool { return true })
	return palette
}

// apart is how far two colours are from each other, 0 to 441.
func apart(a, b color.RGBA) float64 {
	return math.Hypot(math.Hypot(float64(a.R)-float64(b.R), float64(a.G)-float64(b.G)), float64(a.B)-float64(b.B))
}

func rgba(p []byte) color.RGBA { return color.RGBA{p[0], p[1], p[2], p[3]} }
