package cli

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/your-org/keeper/fault"
)

// dotenv writes NAME=value lines, and says which values not every reader of such files takes
// alike.
func (e *env) dotenv(x exported) ([]byte, error) {
	var b bytes.Buffer
	taken := map[string]string{}
	var clashes, unfit, unsure []string
	for _, one := range x.Secrets {
		name := variable(one.Name)
		if other, ok := taken[name]; ok {
			clashes = append(clashes, fmt.Sprintf("%s and %s (%s)", other, one.Name, name))
		}
		taken[name] = one.Name
		value, alike := dotenvValue(one.Value)
		if !alike {
			unsure = append(unsure, one.Name)
		}
		if strings.ContainsRune(one.Value, 0) {
			unfit = append(unfit, one.Name)
		}
		fmt.Fprintf(&b, "%s=%s\n", name, value)
	}
	switch {
	case len(clashes) > 0:
		return nil, fault.New(fault.Conflict, "Secrets would get the same name in dotenv: %s.", strings.Join(clashes, "; ")).
			WithHint("Narrow the export by --prefix, or take --format json.")
	case len(unfit) > 0:
		return nil, fault.New(fault.Invalid, "No variable can hold a value with a NUL in it: %s.", strings.Join(unfit, ", ")).
			WithHint("Take --format json.")
	case len(unsure) > 0:
		e.say("Written for a POSIX shell, and read otherwise by some programs: %s. Take --format json where that matters.", strings.Join(unsure, ", "))
	}
	return b.Bytes(), nil
}

// variable is a secret's name as a variable's: upper case, with underscores for what a
// variable's name cannot have.
func variable(name string) string {
	mapped := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return c - 'a' + 'A'
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			return c
		default:
			return '_'
		}
	}, name)
	if mapped[0] >= '0' && mapped[0] <= '9' {
		return "_" + mapped
	}
	return mapped
}

// dotenvValue quotes a value for a POSIX shell, and reports whether the common readers of
// dotenv files (those of Go, Python, Node and Docker Compose) take it alike. They do not
// agree on backslashes, on dollar signs in double quotes, and on carriage returns.
func dotenvValue(value string) (text string, alike bool) {
	plainly := !strings.Contains(value, "\r") && !strings.Contains(value, `\\`) && !strings.HasSuffix(value, `\`)
	switch {
	case !strings.Contains(value, "'"):
		return "'" + value + "'", plainly
	case !strings.ContainsAny(value, "\"\\$`"):
		return `"` + value + `"`, plainly
	default:
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(value) + `"`, false
	}
}
