// Where the page begins. The token leaves the address bar first, then language and route are read, then it is drawn.
import './styles/tokens.css';
import './styles/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { directory } from './app/directory.svelte';
import { language } from './app/locale.svelte';
import { route } from './app/route.svelte';
import { session } from './app/session.svelte';

session.start();
language.start();
route.start();

// What the first page waits for is asked for before anything is drawn.
if (session.client) void directory.load(session.client, language.current);

const target = document.getElementById('app');
if (target) mount(App, { target });
