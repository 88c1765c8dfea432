import { NotifygateBell, useNotifications, useUnreadCount } from 'notifygate/react';

export function Inbox() {
  const { notifications, isLoading, markRead, markUnread, markAllRead } = useNotifications();
  const unread = useUnreadCount();
  return (
    <section>
      <header>
        <h1>Orders</h1>
        <NotifygateBell
          renderActions={(one) => one.read_at && <button onClick={() => markUnread(one.id)}>Mark as unread</button>}
        />
      </header>
      <p role="status">{isLoading ? 'Loading' : `${unread} unread`}</p>
      <button onClick={() => markAllRead()}>Mark all as read</button>
      <ul aria-label="Inbox">
        {notifications.map((one) => (
          <li key={one.id} className={one.read_at ? '' : 'unread'}>
            {one.title}
            {!one.read_at && <button onClick={() => markRead(one.id)}>Mark as read</button>}
          </li>
        ))}
      </ul>
    </section>
  );
}
