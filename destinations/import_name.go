package destinations

import (
	"strings"

	"github.com/your-org/keeper/models"
)

// naming says what entries at a destination would be called as secrets.
type naming struct {
	destination models.Destination
	environment string
	prefix      string // of the names that are looked at
	template    models.NameTemplate
	names       map[string]string // the name map
}

func newNaming(e models.Environment, d models.Destination, draft ImportDraft) naming {
	return naming{destination: d, environment: e.Name, prefix: *draft.Prefix, template: d.Config.Names(), names: draft.Names}
}

// name gives an item the name that its secret is to have: that of the name map, or else one
// made of the name there. It reports whether the item is to be taken at all.
func (n naming) name(item *models.ImportItem) bool {
	if mapped, ok := n.names[item.Label()]; ok {
		item.SecretName = mapped
		return mapped != ""
	}
	proposed := n.read(item.RemoteName)
	if item.Key != "" {
		if root, key := n.destination.Config.Place(item.Key); n.destination.Config.Shape.Grouped() && proposed == root && key == item.Key {
			proposed = item.Key
		} else {
			proposed += "/" + item.Key
		}
	}
	item.SecretName = mend(proposed)
	item.Mended = item.SecretName != proposed
	return true
}

// read takes the destination's prefix and template off a name.
func (n naming) read(remote string) string {
	name := strings.TrimPrefix(remote, n.prefix)
	own := n.destination.Config.Prefix
	if n.prefix != own && n.prefix != own+n.template.Literal(n.environment) || n.destination.Config.NameTemplate == "" {
		return name
	}
	if fields, ok := n.template.Match(n.environment, strings.TrimPrefix(remote, own)); ok {
		return fields.Name
	}
	return name
}

// own reports whether the name there is the one that Keeper gives the item's secret.
func (n naming) own(item models.ImportItem) bool {
	name, under := strings.CutPrefix(item.RemoteName, n.destination.Config.Prefix)
	fields, ok := n.template.Match(n.environment, name)
	return under && ok && fields.Name == item.SecretName && (fields.Type == "" || fields.Type == item.Type)
}

// mend makes a secret's name of any text: what a name cannot hold becomes a dash, and segments
// that it cannot have go. "" where nothing is left.
func mend(name string) string {
	var segments []string
	for segment := range strings.SplitSeq(name, "/") {
		mended := strings.Map(func(r rune) rune {
			if models.NameProblem(string(r)) == "" || r == '.' {
				return r
			}
			return '-'
		}, segment)
		if models.NameProblem(mended) == "" || len(mended) > models.MaxNameLength {
			segments = append(segments, mended)
		}
	}
	joined := strings.Join(segments, "/")
	if len(joined) > models.MaxNameLength {
		joined = strings.TrimRight(joined[:models.MaxNameLength], "/.")
	}
	return joined
}
