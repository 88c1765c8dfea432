import { mount } from 'svelte';
import 'notifygate/bell.css';
import '../../style.css';
import App from './App.svelte';

mount(App, { target: document.getElementById('app') });
