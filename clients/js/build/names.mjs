/**
 * Names of properties that nothing outside a script uses: the build shortens them. Public names, those of the JSON that
 * is sent or stored, those that are read by a computed name and those that tests read are not among them.
 */

export const CORE_NAMES = `
  askedHold baseUrl batches beat blockedUntil failures flight guard handlers hasOlder isCut isFresh isLeader
  isShared isStartedByStore isSynced isWaiting lingering longestHold offered offeredHold ownState possibleHold
  preferencesSent preferencesTag preferencesTagFrom resets restSeconds sorted suspicion unlisten wasWoken
`;

export const BELL_NAMES = `
  automatic awaitsFocus batches clockTime closer complain complaint complaintTimer desktopState drawFooter drawOwn
  dressAll eachHandler emptyHint emptySlot emptyTitle evicted exactTime footerSlot hasFace hasFailed hasOlder
  headerSlot headings hiddenUnread hidesOlder holder iconOf iconPath insist isBeyond isBusy isCritical isDestroyed
  isDone isExpanded isInline isLoaded isLoading isMandatory isMeasured isNews isPaused isPlaced isRead isRouted
  isRunning isSpeaker keepFocus keepFocusNear keepInView knownTypes leastUrgent leftMs listView loadIfNear
  makeTabs mayLoad modals moreButton newAbove newestAtStart noteNews noteSeen onFocus openGroups openInBell
  orComplain ownsClient pagesUnasked putOff readAll relativeTime returnTo reveal seenIds seenUpTo setCurrent
  setFilter setOpen setRead showPill showsList stateSince stripAction stripText swingTimer switches toggleGroup
  toggleLabel typeOf typeTitle typesEmpty typesMet undoBar undoButton undoText unmutedAt updateStates usualDisplay
  wasMuted whenKnown
`;
