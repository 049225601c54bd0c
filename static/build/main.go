// Command build makes the files under static/dist from static/src and the npm packages. It
// is run by `go generate ./static` after `npm ci --ignore-scripts` in static; its results
// are committed.
package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
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

// bundles are what esbuild makes, by their format: scripts that every page loads, and
// modules that a script imports where a page needs them.
var bundles = map[string][]string{
	"iife": {"src/keeper.js", "src/theme.js", "src/keeper.css"},
	"esm":  {"src/charts.js", "src/code.js", "src/yaml.js"},
}

func bundle() error {
	root, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	for format, files := range bundles {
		args := []string{
			"-C", "../tools", "tool", "esbuild", "--bundle", "--minify", "--format=" + format, "--target=es2022",
			"--legal-comments=none", "--log-level=warning", "--outdir=" + filepath.Join(root, "dist"),
		}
		for _, file := range files {
			args = append(args, filepath.Join(root, file))
		}
		esbuild := exec.Command("go", args...)
		esbuild.Stdout, esbuild.Stderr = os.Stdout, os.Stderr
		if err := esbuild.Run(); err != nil {
			return err
		}
	}
	return nil
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

// licences keeps the licence of each package that the bundles may hold, what packages need
// themselves included, beside what was made of them.
func licences() error {
	text, err := os.ReadFile("package-lock.json")
	if err != nil {
		return err
	}
	var lock struct {
		Packages map[string]struct{ Dev bool }
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return err
	}
	for folder, made := range lock.Packages {
		name, ok := strings.CutPrefix(folder, "node_modules/")
		if !ok || made.Dev {
			continue
		}
		found, err := filepath.Glob(filepath.Join(folder, "LICEN[CS]E*"))
		if len(found) == 0 {
			return errors.Join(err, fmt.Errorf("%s has no licence", name))
		}
		target := strings.Trim(strings.ReplaceAll(name, "/", "-"), "@") + ".txt"
		if err := copyFile(found[0], filepath.Join("licenses", target)); err != nil {
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
