package auth_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func aSubject() *rapid.Generator[auth.Subject] {
	role := rapid.SampledFrom([]models.GlobalRole{models.RoleAdmin, models.RoleAuditor, models.RoleUser, models.RoleUser, "", "x"})
	in := rapid.SampledFrom(append(slices.Clone(models.EnvironmentRoles), "", "x"))
	grant := rapid.Custom(func(t *rapid.T) auth.Grant {
		g := auth.Grant{EnvironmentID: models.EnvironmentID(rapid.IntRange(0, 2).Draw(t, "environment")), Role: in.Draw(t, "role")}
		if g.GroupID = rapid.SampledFrom([]models.GroupID{"", "grp_1", "grp_2"}).Draw(t, "group"); g.GroupID != "" {
			g.GlobalRole = role.Draw(t, "group's role")
		}
		return g
	})
	return rapid.Custom(func(t *rapid.T) auth.Subject {
		who := auth.Subject{User: models.User{ID: "usr_1", Role: role.Draw(t, "own"), Disabled: rapid.Bool().Draw(t, "disabled")}}
		who.Grants = rapid.SliceOfN(grant, 0, 4).Draw(t, "grants")
		if rapid.Bool().Draw(t, "token") {
			who.Token = &models.Token{ID: "tok_1", Scope: aScope().Draw(t, "scope")}
			if rapid.Bool().Draw(t, "over") {
				who.Token.RevokedAt = &noon
			}
		}
		return who
	})
}

// TestDecideAgreesWithCan: an explanation says what Can says of the same actor, each source
// alone is enough, and together they are all that there is.
func TestDecideAgreesWithCan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who, action := aSubject().Draw(t, "who"), anAction().Draw(t, "action")
		e := models.Environment{ID: models.EnvironmentID(rapid.IntRange(0, 2).Draw(t, "environment"))}
		d := auth.Decide(who, action, e, noon)
		whole := auth.ActorFor(who)
		ended := who.User.Disabled || who.Token != nil && who.Token.RevokedAt != nil
		if want := auth.Can(whole, action, e.ID) && !ended; d.Allowed != want {
			t.Fatalf("Decide says %v, Can %v", d.Allowed, want)
		}
		if d.Allowed == (len(d.Against) > 0) {
			t.Fatalf("allowed %v, and against it %q", d.Allowed, d.Against)
		}
		whole.Scope = nil
		if may := auth.Can(whole, action, e.ID); may != (len(d.Through) > 0) {
			t.Fatalf("without a scope %v, through %+v", may, d.Through)
		}
		for _, s := range d.Through {
			if s.GroupID == "" && s.Role == "" {
				continue // its own global role
			}
			alone := models.Actor{Kind: models.ActorUser, UserID: "usr_1", Role: models.RoleUser, Roles: map[models.EnvironmentID]models.EnvironmentRole{e.ID: s.Role}}
			if s.Global != "" {
				alone.Role = s.Global
			}
			if !auth.Can(alone, action, e.ID) {
				t.Fatalf("%+v alone gives nothing", s)
			}
		}
	})
}

// TestGroupsOnlyAdd: more groups and memberships never take a right away, and nothing is
// given that none of them gives.
func TestGroupsOnlyAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who, action := aSubject().Draw(t, "who"), anAction().Draw(t, "action")
		e := models.EnvironmentID(rapid.IntRange(0, 2).Draw(t, "environment"))
		all := auth.Can(auth.ActorFor(who), action, e)
		any := false
		for i := range who.Grants {
			less := who
			less.Grants = slices.Delete(slices.Clone(who.Grants), i, i+1)
			if auth.Can(auth.ActorFor(less), action, e) && !all {
				t.Fatalf("%+v takes the right away", who.Grants[i])
			}
			less.Grants = who.Grants[i : i+1]
			any = any || auth.Can(auth.ActorFor(less), action, e)
		}
		less := who
		less.Grants = nil
		if all && !any && !auth.Can(auth.ActorFor(less), action, e) {
			t.Fatal("together they give what none gives")
		}
	})
}

// TestGlobalRolesAreMonotone: a stronger global role may all that a weaker one may.
func TestGlobalRolesAreMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, action := anActor().Draw(t, "actor"), anAction().Draw(t, "action")
		e := models.EnvironmentID(rapid.IntRange(-1, 3).Draw(t, "environment"))
		i := rapid.IntRange(0, len(auth.GlobalRoles)-2).Draw(t, "role")
		weak, strong := a, a
		weak.Role, strong.Role = auth.GlobalRoles[i], auth.GlobalRoles[i+1]
		if auth.Can(weak, action, e) && !auth.Can(strong, action, e) {
			t.Fatalf("%s may, %s may not", weak.Role, strong.Role)
		}
	})
}

// TestNarrowActions: what a scope's list adds is only what the listed actions need, and a
// longer list reaches further.
func TestNarrowActions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, action, more := anActor().Draw(t, "actor"), anAction().Draw(t, "action"), anAction().Draw(t, "more")
		e := models.EnvironmentID(rapid.IntRange(-1, 3).Draw(t, "environment"))
		scope := aScope().Draw(t, "scope")
		if len(scope.Actions) == 0 {
			return
		}
		wide := scope
		wide.Actions = append(slices.Clone(scope.Actions), string(more))
		a.Scope = &scope
		narrow := auth.Can(a, action, e)
		if a.Scope = &wide; narrow && !auth.Can(a, action, e) {
			t.Fatal("one more action takes another away")
		}
		if scope.Actions = []string{string(auth.ViewEnvironment)}; action != auth.ViewEnvironment {
			if a.Scope = &scope; auth.Can(a, action, e) {
				t.Fatalf("a scope of %s gives %s", auth.ViewEnvironment, action)
			}
		}
	})
}
