/* What the demo publishes at a click, and what its people find in their inboxes the first time. ES5. */
(function () {
  'use strict';

  window.demo = window.demo || {};

  window.demo.EXAMPLES = [
    {name: 'Comment', values: {
      to: 'user:alice', type: 'comment', sender: 'Chiara Rossi', title: 'Chiara replied to “Quarterly roadmap”',
      body: 'I moved the migration to October so that we have two quiet weeks before the freeze. Could you look at ' +
        'the dependencies and tell me whether the dates still hold for your team?', action_url: '/documents/roadmap'
    }},
    {name: 'Deployment', values: {
      to: 'role:engineering', type: 'deploy', sender: 'Deployments', title: 'web-frontend 4.12.0 is live',
      body: '12 changes, no failed checks. The rollout took 4 min 20 s.'
    }},
    {name: 'Invoice', values: {
      to: 'user:alice', type: 'billing', sender: 'Billing', title: 'Invoice 2026-0117 is ready',
      body: '€ 1,240.00, due on 30 November.', action_url: '/invoices/2026-0117'
    }},
    {name: 'Meeting', values: {
      to: 'all', type: 'calendar', sender: 'Calendar', title: 'Stand-up in 10 minutes',
      body: 'Room 4, or the usual link.', ttl: '600'
    }},
    {name: 'Newsletter (low)', values: {
      to: 'all', type: 'newsletter', sender: 'Product news', title: 'What’s new in November',
      body: 'Saved filters, faster search and a calmer inbox.', priority: 'low'
    }},
    {name: 'Sign-in (high)', values: {
      to: 'user:bob', type: 'security', sender: 'Sign-in protection', title: 'New sign-in from Lisbon, Portugal',
      body: 'Firefox on Linux. If this wasn’t you, change your password now.', priority: 'high', action_url: '/account/security'
    }},
    {name: 'Incident (critical)', values: {
      to: 'all', type: 'incident', sender: 'Monitoring', title: 'The primary database is down',
      body: 'No heartbeat from db-1 for 60 seconds. Fail-over to db-2 has begun; writes are paused until it is done.' +
        '\n\nPlease stop all deployments.', priority: 'critical', action_url: '/incidents/db-1'
    }}
  ];

  /** Published once: each has an Idempotency-Key of its own. Oldest first. */
  window.demo.FIRST = [
    {to: 'all', type: 'newsletter', sender: 'Product news', title: 'What’s new in November', priority: 'low',
      body: 'Saved filters, faster search and a calmer inbox.'},
    {to: 'user:bob', type: 'comment', sender: 'Alice Martin', title: 'Alice mentioned you in “Refund for order 8812”',
      body: 'Could you look at this one? The customer says that the parcel never arrived.', action_url: '/orders/8812'},
    {to: 'user:alice', type: 'comment', sender: 'Bob Okafor', title: 'Bob replied to “Refund for order 8812”',
      body: 'The carrier has a signature. I asked them for a picture.', action_url: '/orders/8812'},
    {to: 'role:engineering', type: 'deploy', sender: 'Deployments', title: 'web-frontend 4.11.2 is live',
      body: '3 changes, no failed checks.'},
    {to: 'role:support', type: 'billing', sender: 'Billing', title: 'Payment of € 1,204.00 failed', priority: 'high',
      body: 'The card was declined. Please ask the customer for another one.', action_url: '/payments/1204'}
  ];
})();
