// Command build makes the files under static/dist from static/src and the npm packages. It
// is run by `go generate ./static` after `npm ci --ignore-scripts` in static; its results
// are committed.
package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

// build runs in static, where go generate starts it.
func build() error {
	for _, step := range []func() error{bundle, sprite, mark, licences} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func bundle() error {
	root, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	esbuild := exec.Command(
		"go", "-C", "../tools", "tool", "esbuild",
		filepath.Join(root, "src/keeper.js"), filepath.Join(root, "src/theme.js"), filepath.Join(root, "src/keeper.css"),
		"--bundle", "--minify", "--format=iife", "--target=es2022", "--legal-comments=none", "--log-level=warning",
		"--outdir="+filepath.Join(root, "dist"),
	)
	esbuild.Stdout, esbuild.Stderr = os.Stdout, os.Stderr
	return esbuild.Run()
}

// sprite gathers the icons that src/icons.txt names into one file of symbols.
func sprite() error {
	list, err := os.ReadFile("src/icons.txt")
	if err != nil {
		return err
	}
	names := strings.Fields(string(list))
	slices.Sort(names)
	var out bytes.Buffer
	out.WriteString(`<svg xmlns="http://www.w3.org/2000/svg">`)
	for _, name := range slices.Compact(names) {
		if err := symbol(&out, name); err != nil {
			return fmt.Errorf("icon %s: %w", name, err)
		}
	}
	out.WriteString("</svg>\n")
	return os.WriteFile("dist/icons.svg", out.Bytes(), 0o644)
}

func symbol(out *bytes.Buffer, name string) error {
	source, err := os.ReadFile(filepath.Join("node_modules/bootstrap-icons/icons", name+".svg"))
	if err != nil {
		return err
	}
	var drawing struct {
		ViewBox string `xml:"viewBox,attr"`
		Inner   string `xml:",innerxml"`
	}
	if err := xml.Unmarshal(source, &drawing); err != nil {
		return err
	}
	inner := strings.Join(strings.Fields(drawing.Inner), " ")
	fmt.Fprintf(out, `<symbol id="%s" viewBox="%s">%s</symbol>`, name, drawing.ViewBox, inner)
	return nil
}

func mark() error { return copyFile("src/mark.svg", "dist/mark.svg") }

// licences keeps each bundled package's licence beside what was made of it.
func licences() error {
	for name, file := range map[string]string{
		"bootstrap": "LICENSE", "bootstrap-icons": "LICENSE", "htmx.org": "LICENSE",
	} {
		target := strings.Trim(strings.ReplaceAll(name, "/", "-"), "@") + ".txt"
		if err := copyFile(filepath.Join("node_modules", name, file), filepath.Join("licenses", target)); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o644)
}
