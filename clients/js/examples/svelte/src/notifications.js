import { createNotifygate } from 'notifygate/svelte';

export const { bell, notifications, unreadCount, markRead, markAllRead } = createNotifygate({
  tokenUrl: '/my/notification-token'
});
