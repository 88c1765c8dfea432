import { useTopics } from 'notifygate/react';

export function Topics() {
  const { topics, follow, unfollow } = useTopics();
  return (
    <fieldset>
      <legend>Topics</legend>
      {topics.map(({ topic, following }) => (
        <label key={topic}>
          <input type="checkbox" checked={following} onChange={() => (following ? unfollow(topic) : follow(topic))} />
          {topic}
        </label>
      ))}
    </fieldset>
  );
}
