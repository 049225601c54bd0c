package web

import "net/http"

const (
	get  = http.MethodGet
	post = http.MethodPost
)

// table is all pages. The services decide who may do what; the table says who must be
// signed in for it, and which form a change shows again when it is refused.
func (w *Web) table() []route {
	return []route{
		{get, "/sign-in", public, w.showSignIn, nil},
		{post, "/sign-in", public, w.signIn, w.signInAgain},
		{post, "/sign-out", signedIn, w.signOut, nil},
		{get, "/password", signedIn, w.showPassword, nil},
		{post, "/password", signedIn, w.changePassword, w.passwordForm},

		{get, "/", signedIn, w.dashboard, nil},
		{get, "/events", signedIn, w.events, nil},

		{get, "/secrets", signedIn, w.listSecrets, nil},
		{get, "/secrets/new", signedIn, w.newSecret, nil},
		{post, "/secrets", signedIn, w.createSecret, w.newSecretForm},
		{get, "/secrets/deleted", signedIn, w.listDeleted, nil},
		{get, "/secrets/{secret}", signedIn, w.showSecret, nil},
		{get, "/secrets/{secret}/edit", signedIn, w.editSecret, nil},
		{post, "/secrets/{secret}/edit", signedIn, w.updateSecret, w.editSecretForm},
		{get, "/secrets/{secret}/versions", signedIn, w.listVersions, nil},
		{get, "/secrets/{secret}/versions/new", signedIn, w.newVersion, nil},
		{post, "/secrets/{secret}/versions", signedIn, w.addVersion, w.newVersionForm},
		{post, "/secrets/{secret}/versions/{version}/reveal", signedIn, w.reveal, nil},
		{get, "/secrets/{secret}/versions/{version}/rollback", signedIn, w.askRollback, nil},
		{post, "/secrets/{secret}/versions/{version}/rollback", signedIn, w.rollback, w.rollbackForm},
		{get, "/secrets/{secret}/activity", signedIn, w.secretActivity, nil},
		{get, "/secrets/{secret}/delete", signedIn, w.askDeleteSecret, nil},
		{post, "/secrets/{secret}/delete", signedIn, w.deleteSecret, w.deleteSecretForm},
		{post, "/secrets/{secret}/undelete", signedIn, w.undeleteSecret, nil},

		{get, "/environments", signedIn, w.listEnvironments, nil},
		{get, "/environments/new", signedIn, w.newEnvironment, nil},
		{post, "/environments", signedIn, w.createEnvironment, w.newEnvironmentForm},
		{get, "/environments/{environment}", signedIn, w.showEnvironment, nil},
		{get, "/environments/{environment}/edit", signedIn, w.editEnvironment, nil},
		{post, "/environments/{environment}/edit", signedIn, w.updateEnvironment, w.editEnvironmentForm},
		{get, "/environments/{environment}/destinations", signedIn, w.listDestinations, nil},
		{get, "/environments/{environment}/destinations/new", signedIn, w.newDestination, nil},
		{post, "/environments/{environment}/destinations", signedIn, w.createDestination, w.newDestinationForm},

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

		{get, "/sync", signedIn, w.showSync, nil},
		{post, "/sync", signedIn, w.syncAll, nil},
		{post, "/sync/pause", signedIn, w.pauseAll, nil},
		{post, "/sync/resume", signedIn, w.resumeAll, nil},
		{get, "/sync/plans/{plan}", signedIn, w.showPlan, nil},
		{get, "/sync/plans/{plan}/apply", signedIn, w.askApplyPlan, nil},
		{post, "/sync/plans/{plan}/apply", signedIn, w.applyPlan, w.applyPlanForm},
		{post, "/sync/plans/{plan}/discard", signedIn, w.discardPlan, nil},
		{get, "/sync/runs", signedIn, w.listRuns, nil},
		{get, "/sync/runs/{run}", signedIn, w.showRun, nil},
		{post, "/sync/runs/{run}/retry", signedIn, w.retryRun, nil},
		{get, "/sync/runs/{run}/receipt", signedIn, w.showReceipt, nil},
		{get, "/sync/runs/{run}/receipt/download", signedIn, w.downloadReceipt, nil},
		{post, "/sync/runs/{run}/receipt/verify", signedIn, w.verifyReceipt, nil},

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

		{get, "/keys", signedIn, w.showKeys, nil},
		{post, "/keys/test", signedIn, w.testKeys, nil},
		{post, "/keys/scrub", signedIn, w.startScrub, nil},
		{get, "/keys/runs", signedIn, w.listKeyRuns, nil},
		{get, "/keys/runs/{run}", signedIn, w.showKeyRun, nil},
		{get, "/keys/runs/{run}/cancel", signedIn, w.askCancelKeyRun, nil},
		{post, "/keys/runs/{run}/cancel", signedIn, w.cancelKeyRun, nil},

		{get, "/audit", signedIn, w.listAudit, nil},

		{get, "/profile", signedIn, w.showProfile, nil},
		{post, "/profile/sessions/revoke-others", signedIn, w.revokeOtherSessions, nil},
		{post, "/profile/sessions/{session}/revoke", signedIn, w.revokeSession, nil},
		{get, "/tokens", signedIn, w.listTokens, nil},
		{get, "/tokens/new", signedIn, w.newToken, nil},
		{post, "/tokens", signedIn, w.createToken, w.newTokenForm},
		{post, "/tokens/{token}/revoke", signedIn, w.revokeToken, nil},
	}
}
