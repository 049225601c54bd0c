package web

import (
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
)

// administration is the pages of Admin: accounts, groups, everybody's tokens. For who may not
// see users there are none. What may be asked about access everybody may ask about itself.
func (w *Web) administration() []route {
	all := []route{
		{get, "/admin/users", signedIn, w.listAccounts, nil},
		{get, "/admin/users/new", signedIn, w.newAccount, nil},
		{post, "/admin/users", signedIn, w.createAccount, w.newAccountForm},
		{get, "/admin/users/{user}", signedIn, w.showAccount, nil},
		{get, "/admin/users/{user}/edit", signedIn, w.editAccount, nil},
		{post, "/admin/users/{user}/edit", signedIn, w.updateAccount, w.editAccountForm},
		{get, "/admin/users/{user}/disable", signedIn, w.askDisable, nil},
		{post, "/admin/users/{user}/disable", signedIn, w.disableAccount, w.disableForm},
		{post, "/admin/users/{user}/enable", signedIn, w.enableAccount, w.accountForm},
		{get, "/admin/users/{user}/password", signedIn, w.askPassword, nil},
		{post, "/admin/users/{user}/password", signedIn, w.resetPassword, w.passwordAskForm},
		{get, "/admin/users/{user}/factors", signedIn, w.askFactors, nil},
		{post, "/admin/users/{user}/factors", signedIn, w.resetFactors, w.factorsAskForm},
		{get, "/admin/users/{user}/delete", signedIn, w.askDeleteAccount, nil},
		{post, "/admin/users/{user}/delete", signedIn, w.deleteAccount, w.deleteAccountForm},
		{post, "/admin/users/{user}/roles", signedIn, w.setAccountRole, w.accountForm},
		{post, "/admin/users/{user}/sessions/revoke-all", signedIn, w.revokeSessionsOf, nil},
		{post, "/admin/users/{user}/sessions/{session}/revoke", signedIn, w.revokeSessionOf, nil},
		{get, "/admin/users/{user}/tokens/new", signedIn, w.newTokenFor, nil},
		{post, "/admin/users/{user}/tokens", signedIn, w.createTokenFor, w.newTokenForForm},
		{get, "/admin/users/{user}/tokens/{token}/rotate", signedIn, w.showRotateFor, nil},
		{post, "/admin/users/{user}/tokens/{token}/rotate", signedIn, w.rotateTokenFor, w.rotateForForm},
		{get, "/admin/groups", signedIn, w.listGroups, nil},
		{get, "/admin/groups/new", signedIn, w.newGroup, nil},
		{post, "/admin/groups", signedIn, w.createGroup, w.newGroupForm},
		{get, "/admin/groups/{group}", signedIn, w.showGroup, nil},
		{get, "/admin/groups/{group}/edit", signedIn, w.editGroup, nil},
		{post, "/admin/groups/{group}/edit", signedIn, w.updateGroup, w.editGroupForm},
		{get, "/admin/groups/{group}/delete", signedIn, w.askDeleteGroup, nil},
		{post, "/admin/groups/{group}/delete", signedIn, w.deleteGroup, w.deleteGroupForm},
		{post, "/admin/groups/{group}/members", signedIn, w.addGroupMember, w.groupForm},
		{post, "/admin/groups/{group}/members/remove", signedIn, w.removeGroupMember, w.groupForm},
		{post, "/admin/groups/{group}/roles", signedIn, w.setGroupRole, w.groupForm},
		{get, "/admin/tokens", signedIn, w.listAllTokens, nil},
	}
	for i := range all {
		all[i] = hidden(all[i])
	}
	return append(all, route{get, "/admin/access", signedIn, w.showAccess, nil})
}

// hidden makes a route one that is not there for who may not see users, whatever it names:
// the refusal is on record, and the answer that of a page that does not exist.
func hidden(rt route) route {
	hide := func(r *request, err error) error {
		if fault.Is(err, fault.Forbidden) && !r.may(auth.ViewUsers, auth.Global) {
			return noPage()
		}
		return err
	}
	handle, again := rt.handle, rt.again
	rt.handle = func(r *request) error { return hide(r, handle(r)) }
	if again != nil {
		rt.again = func(r *request, err error) error { return hide(r, again(r, err)) }
	}
	return rt
}

// administers refuses who may not change users, and asks for a proof that it will take
// anyway: before the form is filled in, not after.
func (r *request) administers() error {
	return r.web.Auth.Administers(r.Context(), r.actor)
}

// needsProof reports whether a change now would ask for a proof of who one is.
func (r *request) needsProof() bool { return auth.Proven(r.actor, r.web.Now()) != nil }
