package models

import (
	"slices"
	"strings"
)

// MaxDestroyDays is the longest that a deletion at a destination may wait to be made final.
const MaxDestroyDays = 3650

// Names is how names at the destination are made, after Prefix. A template that Validate
// refuses is "{name}".
func (c DestinationConfig) Names() NameTemplate {
	t, problem := ParseNameTemplate(c.NameTemplate)
	if problem != "" {
		return NameTemplate{}
	}
	return t
}

// Literal is the text that every name there begins with which the destination may write.
func (c DestinationConfig) Literal(environment string) string {
	if c.Shape == ShapeBundle {
		return c.Prefix + c.BundleName
	}
	return c.Prefix + c.Names().Literal(environment)
}

// validateMapping checks how secrets become names and values at a destination.
func (c DestinationConfig) validateMapping(kind DestinationKind, problems *fieldProblems) {
	switch {
	case c.Shape != "" && !slices.Contains(Shapes, c.Shape):
		problems.add("config.shape", "must be one of %s", list(Shapes))
	case c.Shape == ShapeObject && kind == DestinationAWS:
		problems.add("config.shape", "object is for Vault; a JSON secret is JSON in AWS anyway")
	case c.Shape == ShapeObject && strings.HasSuffix(c.ValueKey, "_base64"):
		problems.add("config.value_key", "must not end in _base64")
	}
	switch _, problem := ParseNameTemplate(c.NameTemplate); {
	case problem != "":
		problems.add("config.name_template", "%s", problem)
	case c.NameTemplate != "" && c.Shape.Grouped():
		problems.add("config.name_template", "must be empty where several secrets share an entry")
	}
	switch {
	case c.Shape != ShapeBundle && c.BundleName != "":
		problems.add("config.bundle_name", "is for the shape bundle alone")
	case c.Shape == ShapeBundle && NameProblem(c.Prefix+c.BundleName) != "":
		problems.add("config.bundle_name", "%s", NameProblem(c.Prefix+c.BundleName))
	}
	switch {
	case c.DestroyDays < 0 || c.DestroyDays > MaxDestroyDays:
		problems.add("config.destroy_days", "must be between 0 and %d", MaxDestroyDays)
	case c.DestroyDays > 0 && kind == DestinationAWS:
		problems.add("config.destroy_days", "is for Vault; AWS removes a deleted secret after recovery_days")
	}
}
