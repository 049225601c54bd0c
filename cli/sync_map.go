package cli

import (
	"bytes"
	"os"
	"slices"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// readNameMap reads a name map; no file is none.
func readNameMap(file string) (map[string]string, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The name map %s cannot be read.", file)
	}
	names, err := models.ParseNameMap(text)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "%s: %s", file, fault.Public(err).Message).WithHint("--write-map FILE writes one as it must look.")
	}
	return names, nil
}

func writeNameMap(file string, items []api.ImportItem) error {
	lines := make([]models.NameMapping, len(items))
	for n, item := range items {
		lines[n] = models.NameMapping{There: labelOf(item), Secret: item.SecretName}
		if item.Status == api.ItemLeftOut {
			lines[n].Secret = ""
		}
	}
	var text bytes.Buffer
	err := models.WriteNameMap(&text, lines)
	if err == nil {
		err = os.WriteFile(file, text.Bytes(), 0o600)
	}
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The name map cannot be written to %s.", file)
	}
	return nil
}

// unusedNames are those of a map that no item has, sorted.
func unusedNames(names map[string]string, items []api.ImportItem) []string {
	used := make(map[string]bool, len(items))
	for _, item := range items {
		used[labelOf(item)] = true
	}
	var unused []string
	for name := range names {
		if !used[name] {
			unused = append(unused, name)
		}
	}
	slices.Sort(unused)
	return unused
}
