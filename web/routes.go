package web

import (
	"net/http"
	"slices"
)

const (
	get  = http.MethodGet
	post = http.MethodPost
)

// table is all pages. The services decide who may do what; the table says who must be
// signed in for it, and which form a change shows again when it is refused.
func (w *Web) table() []route {
	return slices.Concat(
		w.signInRoutes(), w.commonRoutes(), w.secretRoutes(), w.environmentRoutes(), w.destinationRoutes(), w.syncRoutes(),
		w.alertRoutes(), w.keyRoutes(), w.ownRoutes(), w.administration(), w.federation(),
	)
}

// signInRoutes lead into a session and out of it.
func (w *Web) signInRoutes() []route {
	return []route{
		{get, "/sign-in", public, w.showSignIn, nil},
		{post, "/sign-in", public, w.signIn, w.signInAgain},
		{get, "/sign-in/step", public, w.showStep, nil},
		{post, "/sign-in/step", public, w.takeStep, w.stepAgain},
		{post, "/sign-in/passkey/begin", public, w.beginPasskey, nil},
		{post, "/sign-in/passkey", public, w.takePasskey, w.signInAgain},
		{get, "/prove", signedIn, w.showProve, nil},
		{post, "/prove", signedIn, w.prove, w.proveForm},
		{post, "/prove/passkey/begin", signedIn, w.beginPasskeyProof, nil},
		{post, "/prove/passkey", signedIn, w.provePasskey, w.proveForm},
		{post, "/sign-out", signedIn, w.signOut, nil},
		{get, "/password", signedIn, w.showPassword, nil},
		{post, "/password", signedIn, w.changePassword, w.passwordForm},
	}
}

// commonRoutes are the overview, the log, and what every page asks for.
func (w *Web) commonRoutes() []route {
	return []route{
		{get, "/", signedIn, w.dashboard, nil},
		{post, "/guide/hide", signedIn, w.hideGuide, nil},
		{get, "/events", signedIn, w.events, nil},
		{get, "/search", signedIn, w.search, nil},
		{get, "/audit", signedIn, w.listAudit, nil},
		{get, "/audit/export", signedIn, w.exportAudit, nil},
	}
}

// secretRoutes are secrets, their versions, and what is done to many at once.
func (w *Web) secretRoutes() []route {
	return []route{
		{get, "/secrets", signedIn, w.listSecrets, nil},
		{get, "/secrets/new", signedIn, w.newSecret, nil},
		{post, "/secrets", signedIn, w.createSecret, w.newSecretForm},
		{get, "/secrets/deleted", signedIn, w.listDeleted, nil},
		{get, "/secrets/bulk", signedIn, w.showBulk, nil},
		{post, "/secrets/bulk", signedIn, w.changeMany, w.bulkForm},
		{get, "/secrets/{secret}", signedIn, w.showSecret, nil},
		{get, "/secrets/{secret}/edit", signedIn, w.editSecret, nil},
		{post, "/secrets/{secret}/edit", signedIn, w.updateSecret, w.editSecretForm},
		{get, "/secrets/{secret}/versions", signedIn, w.listVersions, nil},
		{get, "/secrets/{secret}/versions/new", signedIn, w.newVersion, nil},
		{post, "/secrets/{secret}/versions", signedIn, w.addVersion, w.newVersionForm},
		{get, "/secrets/{secret}/versions/diff", signedIn, w.showDiff, nil},
		{post, "/secrets/{secret}/versions/diff", signedIn, w.revealDiff, nil},
		{post, "/secrets/{secret}/versions/{version}/reveal", signedIn, w.reveal, nil},
		{get, "/secrets/{secret}/versions/{version}/rollback", signedIn, w.askRollback, nil},
		{post, "/secrets/{secret}/versions/{version}/rollback", signedIn, w.rollback, w.rollbackForm},
		{get, "/secrets/{secret}/access", signedIn, w.secretAccess, nil},
		{get, "/secrets/{secret}/activity", signedIn, w.secretActivity, nil},
		{get, "/secrets/{secret}/delete", signedIn, w.askDeleteSecret, nil},
		{post, "/secrets/{secret}/delete", signedIn, w.deleteSecret, w.deleteSecretForm},
		{post, "/secrets/{secret}/undelete", signedIn, w.undeleteSecret, nil},
	}
}

// environmentRoutes are environments with their members, and the destinations that are made in them.
func (w *Web) environmentRoutes() []route {
	return []route{
		{get, "/environments", signedIn, w.listEnvironments, nil},
		{get, "/environments/new", signedIn, w.newEnvironment, nil},
		{post, "/environments", signedIn, w.createEnvironment, w.newEnvironmentForm},
		{get, "/environments/{environment}", signedIn, w.showEnvironment, nil},
		{get, "/environments/{environment}/edit", signedIn, w.editEnvironment, nil},
		{post, "/environments/{environment}/edit", signedIn, w.updateEnvironment, w.editEnvironmentForm},
		{get, "/environments/{environment}/delete", signedIn, w.askDeleteEnvironment, nil},
		{post, "/environments/{environment}/delete", signedIn, w.deleteEnvironment, w.deleteEnvironmentForm},
		{get, "/environments/{environment}/export", signedIn, w.askExport, nil},
		{post, "/environments/{environment}/export", signedIn, w.exportSecrets, w.exportForm},
		{get, "/environments/{environment}/destinations", signedIn, w.listDestinations, nil},
		{get, "/environments/{environment}/destinations/new", signedIn, w.newDestination, nil},
		{post, "/environments/{environment}/destinations", signedIn, w.createDestination, w.newDestinationForm},
		{post, "/environments/{environment}/destinations/test", signedIn, w.testNewDestination, w.newDestinationForm},
		{get, "/environments/{environment}/members", signedIn, w.showMembers, nil},
		{post, "/environments/{environment}/members", signedIn, w.setMember, w.membersForm},
	}
}

// destinationRoutes are of one destination: its settings, plans, differences and imports.
func (w *Web) destinationRoutes() []route {
	return []route{
		{get, "/destinations/{destination}", signedIn, w.showDestination, nil},
		{get, "/destinations/{destination}/runs", signedIn, w.listDestinationRuns, nil},
		{get, "/destinations/{destination}/edit", signedIn, w.editDestination, nil},
		{post, "/destinations/{destination}/edit", signedIn, w.updateDestination, w.editDestinationForm},
		{get, "/destinations/{destination}/delete", signedIn, w.askDeleteDestination, nil},
		{post, "/destinations/{destination}/delete", signedIn, w.deleteDestination, w.deleteDestinationForm},
		{post, "/destinations/{destination}/test", signedIn, w.testDestination, nil},
		{post, "/destinations/{destination}/sync", signedIn, w.syncDestination, nil},
		{post, "/destinations/{destination}/pause", signedIn, w.pauseDestination, nil},
		{post, "/destinations/{destination}/resume", signedIn, w.resumeDestination, nil},
		{get, "/destinations/{destination}/receipts", signedIn, w.listReceipts, nil},
		{get, "/destinations/{destination}/plans", signedIn, w.listPlans, nil},
		{post, "/destinations/{destination}/plans", signedIn, w.makePlan, nil},
		{get, "/destinations/{destination}/holds", signedIn, w.listHolds, nil},
		{get, "/destinations/{destination}/holds/{secret}", signedIn, w.showHold, nil},
		{post, "/destinations/{destination}/holds/{secret}", signedIn, w.decideHold, w.holdForm},
		{post, "/destinations/{destination}/holds/{secret}/reveal", signedIn, w.revealRemote, nil},
		{get, "/destinations/{destination}/imports", signedIn, w.listImports, nil},
		{get, "/destinations/{destination}/imports/new", signedIn, w.newImport, nil},
		{post, "/destinations/{destination}/imports", signedIn, w.createImport, w.newImportForm},
		{get, "/destinations/{destination}/copies/{secret}/release", signedIn, w.askRelease, nil},
		{post, "/destinations/{destination}/copies/{secret}/release", signedIn, w.release, w.releaseForm},
	}
}

// syncRoutes are of the sync over all destinations, and its runs, plans and imports.
func (w *Web) syncRoutes() []route {
	return []route{
		{get, "/sync", signedIn, w.showSync, nil},
		{post, "/sync", signedIn, w.syncAll, nil},
		{post, "/sync/pause", signedIn, w.pauseAll, nil},
		{post, "/sync/resume", signedIn, w.resumeAll, nil},
		{get, "/sync/plans/{plan}", signedIn, w.showPlan, nil},
		{get, "/sync/plans/{plan}/apply", signedIn, w.askApplyPlan, nil},
		{post, "/sync/plans/{plan}/apply", signedIn, w.applyPlan, w.applyPlanForm},
		{post, "/sync/plans/{plan}/discard", signedIn, w.discardPlan, nil},
		{get, "/sync/imports/{import}", signedIn, w.showImport, nil},
		{post, "/sync/imports/{import}", signedIn, w.chooseImport, w.importPage},
		{get, "/sync/imports/{import}/names", signedIn, w.writeImportNames, nil},
		{get, "/sync/imports/{import}/apply", signedIn, w.askApplyImport, nil},
		{post, "/sync/imports/{import}/apply", signedIn, w.applyImport, w.applyImportForm},
		{get, "/sync/runs", signedIn, w.listRuns, nil},
		{get, "/sync/runs/{run}", signedIn, w.showRun, nil},
		{post, "/sync/runs/{run}/retry", signedIn, w.retryRun, nil},
		{get, "/sync/runs/{run}/receipt", signedIn, w.showReceipt, nil},
		{get, "/sync/runs/{run}/receipt/download", signedIn, w.downloadReceipt, nil},
		{post, "/sync/runs/{run}/receipt/verify", signedIn, w.verifyReceipt, nil},
		{get, "/sync/receipts/verify", signedIn, w.askVerify, nil},
		{post, "/sync/receipts/verify", signedIn, w.verifyText, w.verifyForm},
	}
}

// alertRoutes are alerts, and the channels that they are told through.
func (w *Web) alertRoutes() []route {
	return []route{
		{get, "/alerts", signedIn, w.listAlerts, nil},
		{get, "/alerts/channels", signedIn, w.listChannels, nil},
		{get, "/alerts/channels/new", signedIn, w.newChannel, nil},
		{post, "/alerts/channels", signedIn, w.createChannel, w.newChannelForm},
		{get, "/alerts/channels/{channel}/edit", signedIn, w.editChannel, nil},
		{post, "/alerts/channels/{channel}/edit", signedIn, w.updateChannel, w.editChannelForm},
		{post, "/alerts/channels/{channel}/test", signedIn, w.testChannel, nil},
		{get, "/alerts/channels/{channel}/delete", signedIn, w.askDeleteChannel, nil},
		{post, "/alerts/channels/{channel}/delete", signedIn, w.deleteChannel, w.deleteChannelForm},
		{get, "/alerts/{alert}", signedIn, w.showAlert, nil},
	}
}

// keyRoutes are wrapping keys, of one environment and of all.
func (w *Web) keyRoutes() []route {
	return []route{
		{get, "/environments/{environment}/keys", signedIn, w.showEnvironmentKeys, nil},
		{get, "/environments/{environment}/keys/recipients/new", signedIn, w.newRecipient, nil},
		{post, "/environments/{environment}/keys/recipients", signedIn, w.addRecipient, w.newRecipientForm},
		{get, "/environments/{environment}/keys/recipients/remove", signedIn, w.askRemoveRecipient, nil},
		{post, "/environments/{environment}/keys/recipients/remove", signedIn, w.removeRecipient, w.removeRecipientForm},
		{get, "/environments/{environment}/keys/rewrap", signedIn, w.askRewrap, nil},
		{post, "/environments/{environment}/keys/rewrap", signedIn, w.rewrap, w.rewrapForm},
		{get, "/environments/{environment}/keys/reencrypt", signedIn, w.askReencrypt, nil},
		{post, "/environments/{environment}/keys/reencrypt", signedIn, w.reencrypt, w.reencryptForm},
		{post, "/environments/{environment}/keys/drill", signedIn, w.drill, nil},
		{get, "/keys", signedIn, w.showKeys, nil},
		{post, "/keys/test", signedIn, w.testKeys, nil},
		{post, "/keys/scrub", signedIn, w.startScrub, nil},
		{get, "/keys/rewrap", signedIn, w.askEmptyKey, nil},
		{post, "/keys/rewrap", signedIn, w.emptyKey, w.emptyKeyForm},
		{get, "/keys/runs", signedIn, w.listKeyRuns, nil},
		{get, "/keys/runs/{run}", signedIn, w.showKeyRun, nil},
		{get, "/keys/runs/{run}/cancel", signedIn, w.askCancelKeyRun, nil},
		{post, "/keys/runs/{run}/cancel", signedIn, w.cancelKeyRun, nil},
	}
}

// ownRoutes are a person's own: sign-in factors, sessions, tokens.
func (w *Web) ownRoutes() []route {
	return []route{
		{get, "/profile", signedIn, w.showProfile, nil},
		{get, "/profile/factors", signedIn, w.showFactors, nil},
		{post, "/profile/totp", signedIn, w.beginTOTP, nil},
		{post, "/profile/totp/confirm", signedIn, w.confirmTOTP, w.factorsForm},
		{post, "/profile/totp/remove", signedIn, w.removeTOTP, nil},
		{post, "/profile/recovery-codes", signedIn, w.newRecoveryCodes, nil},
		{post, "/profile/passkeys/begin", signedIn, w.beginPasskeyRegistration, nil},
		{post, "/profile/passkeys", signedIn, w.registerPasskey, w.factorsForm},
		{post, "/profile/passkeys/{passkey}/rename", signedIn, w.renamePasskey, w.factorsForm},
		{post, "/profile/passkeys/{passkey}/remove", signedIn, w.removePasskey, nil},
		{post, "/profile/sessions/revoke-others", signedIn, w.revokeOtherSessions, nil},
		{post, "/profile/sessions/{session}/revoke", signedIn, w.revokeSession, nil},
		{get, "/tokens", signedIn, w.listTokens, nil},
		{get, "/tokens/new", signedIn, w.newToken, nil},
		{post, "/tokens", signedIn, w.createToken, w.newTokenForm},
		{get, "/tokens/leaked", signedIn, w.showLeaked, nil},
		{post, "/tokens/leaked", signedIn, w.revokeLeaked, w.leakedForm},
		{post, "/tokens/{token}/revoke", signedIn, w.revokeToken, nil},
		{get, "/tokens/{token}/rotate", signedIn, w.showRotate, nil},
		{post, "/tokens/{token}/rotate", signedIn, w.rotateToken, w.rotateForm},
	}
}
