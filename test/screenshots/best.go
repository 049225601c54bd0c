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

// inPalette writes the beginning of a PNG anew with 256 colours. A page has few: its most frequent ones are
// taken, and what edges of letters have besides becomes the nearest of them.
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
	all := slices.SortedFunc(maps.Keys(frequent), func(a, b color.RGBA) int {
		return cmp.Or(frequent[b]-frequent[a], cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	var palette color.Palette
	for _, c := range all[:min(len(all), 256)] {
		palette = append(palette, c)
	}
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

func rgba(p []byte) color.RGBA { return color.RGBA{p[0], p[1], p[2], p[3]} }
