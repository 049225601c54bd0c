package auth

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// maxScope bounds each list of a scope.
const maxScope = 100

// checkScope brings a scope into its one form, and refuses one that is not within what the
// actor reaches itself.
func checkScope(actor models.Actor, scope models.TokenScope) (models.TokenScope, error) {
	if len(scope.Environments) > maxScope || len(scope.Actions) > maxScope || len(scope.Networks) > maxScope {
		return scope, fault.New(fault.Invalid, "A token's scope names at most %d environments, actions and networks each.", maxScope)
	}
	scope.Environments = slices.Compact(slices.Sorted(slices.Values(scope.Environments)))
	for _, id := range scope.Environments {
		if id <= Global || !Can(actor, ViewEnvironment, id) {
			return scope, badEnvironments()
		}
	}
	scope.Actions = slices.Compact(slices.Sorted(slices.Values(scope.Actions)))
	for _, action := range scope.Actions {
		if !slices.Contains(Actions(), Action(action)) {
			return scope, fault.InvalidField("actions", "must be actions of the table in docs/access.md, such as %s", RevealSecret)
		}
	}
	networks := make([]netip.Prefix, len(scope.Networks))
	for i, n := range scope.Networks {
		var ok bool
		if networks[i], ok = plainNetwork(n); !ok {
			return scope, fault.InvalidField("networks", "must be networks such as 192.0.2.0/24 or 2001:db8::/32")
		}
	}
	slices.SortFunc(networks, netip.Prefix.Compare)
	scope.Networks = slices.Compact(networks)
	if len(networks) == 0 {
		scope.Networks = nil
	}
	return scope, within(actor.Scope, scope)
}

func badEnvironments() error {
	return fault.InvalidField("environments", "must be environments that you may see")
}

// plainNetwork is a network by its first address, an IPv4 one that was written as IPv6 as
// IPv4.
func plainNetwork(n netip.Prefix) (netip.Prefix, bool) {
	if n.IsValid() && n.Addr().Is4In6() {
		n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96) // of fewer than 96 bits: not valid
	}
	return n.Masked(), n.IsValid()
}

// within refuses a scope that reaches further than another (nil: one without bounds) in
// anything.
func within(outer *models.TokenScope, inner models.TokenScope) error {
	switch {
	case outer == nil:
		return nil
	case outer.ReadOnly && !inner.ReadOnly:
		return wider("read_only")
	case !covers(outer.Environments, inner.Environments, func(id models.EnvironmentID) bool { return slices.Contains(outer.Environments, id) }):
		return wider("environments")
	case !covers(outer.Actions, inner.Actions, func(action string) bool { return names(outer.Actions, Action(action)) }):
		return wider("actions")
	case namesReveal(&inner) && !namesReveal(outer): // to leave an action unnamed reaches less than to name this one
		return wider("actions")
	case !covers(outer.Networks, inner.Networks, func(n netip.Prefix) bool {
		return slices.ContainsFunc(outer.Networks, func(o netip.Prefix) bool { return o.Bits() <= n.Bits() && o.Contains(n.Addr()) })
	}):
		return wider("networks")
	}
	return nil
}

// namesReveal reports whether a scope names the reveal of values, which opens protected
// environments to a token.
func namesReveal(scope *models.TokenScope) bool {
	return scope != nil && slices.Contains(scope.Actions, string(RevealSecret))
}

// exempts reports whether a token of a user with this scope could do what that user does only
// with a fresh proof, which no token gives. Making one takes the proof, or whoever has a
// session that proved nothing would just make a token.
func exempts(user models.Actor, scope models.TokenScope) bool {
	user.Kind, user.Scope = models.ActorToken, &scope
	if namesReveal(&scope) || slices.ContainsFunc(grave, func(action Action) bool { return Can(user, action, Global) }) {
		return true
	}
	places := append(slices.Collect(maps.Keys(user.Roles)), scope.Environments...)
	return slices.ContainsFunc(append(places, anywhere), func(id models.EnvironmentID) bool { return Can(user, ManageMembers, id) })
}

// covers reports whether a list that narrows (an empty one does not) is narrowed as far by
// another, all of which it holds.
func covers[T any](outer, inner []T, holds func(T) bool) bool {
	if len(outer) == 0 {
		return true
	}
	return len(inner) > 0 && !slices.ContainsFunc(inner, func(one T) bool { return !holds(one) })
}

func wider(field string) error {
	return fault.InvalidField(field, "must not reach further than those of the token that you use")
}

// reaches reports whether a token of these networks may be used from an address; of none,
// from any.
func reaches(networks []netip.Prefix, address string) bool {
	if len(networks) == 0 {
		return true
	}
	ip, err := netip.ParseAddr(address)
	return err == nil && slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(ip.Unmap().WithZone("")) })
}
