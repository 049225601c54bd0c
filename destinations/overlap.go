package destinations

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// overlapTurn is the setting whose row has those who look for overlaps take turns.
const overlapTurn = "destinations_overlap"

// takeTurn waits for others who save a destination. It comes first in a transaction, so that
// the second of two that are saved at once sees the first.
func takeTurn(tx *store.Tx, d models.Destination) error {
	return tx.PutSetting(overlapTurn, string(d.ID))
}

// overlap refuses as Conflict a destination that could write the names of another one of this
// installation, in whatever environment, unless its settings accept that: then it reports
// that there is one. Called in the transaction that saves the destination, after takeTurn.
//
// One that the actor may not see does not exist for it: else it could try prefixes until it
// knew the name of an environment that is hidden from it. The marks keep the two apart, and who
// looks after the other one reads of it in its log.
func (s *Service) overlap(tx *store.Tx, actor models.Actor, e models.Environment, d models.Destination) (overlaps bool, err error) {
	environments, err := tx.Environments(nil)
	if err != nil {
		return false, err
	}
	named := make(map[models.EnvironmentID]models.Environment, len(environments))
	ids := make([]models.EnvironmentID, len(environments))
	for i, one := range environments {
		named[one.ID], ids[i] = one, one.ID
	}
	all, err := tx.Destinations(ids)
	if err != nil {
		return false, err
	}
	for _, other := range all {
		theirs := named[other.EnvironmentID]
		if other.ID == d.ID || !maySharePlace(d, other) || !shareNames(d.Config.Literal(e.Name), other.Config.Literal(theirs.Name)) {
			continue
		}
		switch {
		case !auth.Can(actor, auth.ViewDestination, theirs.ID):
			if err := tx.AppendAudit(audit.OnDestination(actor, "destination.overlap", theirs, other)); err != nil {
				return false, err
			}
		case d.Config.AcceptOverlap:
			overlaps = true
		default:
			return true, overlapping(d, other, theirs)
		}
	}
	return overlaps, nil
}

func overlapping(d, other models.Destination, theirs models.Environment) error {
	return fault.New(fault.Conflict, "The destination %s of %s could write the same names there as %s; nothing was changed.", other.Name, theirs.Name, d.Name).
		WithHint("Give it a prefix or a name_template of its own. Where this is meant, set accept_overlap: a name then stays with the destination that writes it first, and is foreign to the other.")
}

// shareNames reports whether a name can begin with both texts.
func shareNames(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

// maySharePlace reports whether two destinations could hold their names in one place. Two AWS
// accounts are told apart where both have a role; which account access keys belong to only AWS
// could tell.
func maySharePlace(a, b models.Destination) bool {
	one, two := a.Config, b.Config
	if mine, theirs := account(one.RoleARN), account(two.RoleARN); mine != "" && theirs != "" && mine != theirs {
		return false
	}
	return a.Kind == b.Kind && one.Region == two.Region && sameURL(awsURL(one), awsURL(two)) && sameURL(one.Address, two.Address) &&
		vaultPath(one) == vaultPath(two)
}

// vaultPath is the path of a mount from the root namespace: Vault takes namespaces in a mount's
// path too.
func vaultPath(c models.DestinationConfig) string {
	return strings.Trim(strings.Trim(c.Namespace, "/")+"/"+strings.Trim(c.Mount, "/"), "/")
}

// awsURL is where AWS Secrets Manager is reached, "" for AWS's own regional endpoints, whatever
// they are called.
func awsURL(c models.DestinationConfig) string {
	u, err := url.Parse(c.Endpoint)
	host := ""
	if err == nil {
		host = strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	}
	for _, own := range []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws"} {
		if strings.HasSuffix(host, own) {
			return ""
		}
	}
	return c.Endpoint
}

// sameURL reports whether two addresses are one server's, as far as their texts tell.
func sameURL(a, b string) bool { return plainURL(a) == plainURL(b) }

func plainURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	host, port := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), u.Port()
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().String()
	}
	if port == map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		port = ""
	}
	return u.Scheme + "//" + host + ":" + port + strings.TrimRight(u.Path, "/")
}
