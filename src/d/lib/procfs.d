/* Processes and threads. */

#pragma D depends_on library sched.d

typedef id_t taskid_t;
typedef id_t dprojid_t;
typedef id_t poolid_t;
typedef id_t zoneid_t;

typedef struct timestruc {
	time_t tv_sec;
	long tv_nsec;
} timestruc_t;

inline int PR_STOPPED = 0x00000001;

inline char PR_MODEL_ILP32 = 1;
inline char PR_MODEL_LP64 = 2;

inline char SSLEEP = 1;
inline char SRUN = 2;
inline char SZOMB = 3;
inline char SSTOP = 4;
inline char SIDL = 5;
inline char SONPROC = 6;
inline char SWAIT = 7;

typedef struct lwpsinfo {
	int pr_flag;
	int pr_lwpid;
	uintptr_t pr_addr;
	uintptr_t pr_wchan;
	char pr_stype;
	char pr_state;
	char pr_sname;
	char pr_nice;
	short pr_syscall;
	char pr_oldpri;
	char pr_cpu;
	int pr_pri;
	ushort_t pr_pctcpu;
	timestruc_t pr_start;
	timestruc_t pr_time;
	char pr_clname[8];
	char pr_name[16];
	processorid_t pr_onpro;
	processorid_t pr_bindpro;
	psetid_t pr_bindpset;
	int pr_lgrp;
} lwpsinfo_t;

typedef struct psinfo {
	int pr_flag;
	int pr_nlwp;
	pid_t pr_pid;
	pid_t pr_ppid;
	pid_t pr_pgid;
	pid_t pr_sid;
	uid_t pr_uid;
	uid_t pr_euid;
	uid_t pr_gid;
	uid_t pr_egid;
	uintptr_t pr_addr;
	size_t pr_size;
	size_t pr_rssize;
	struct tty_struct *pr_ttydev;
	ushort_t pr_pctcpu;
	ushort_t pr_pctmem;
	timestruc_t pr_start;
	timestruc_t pr_time;
	timestruc_t pr_ctime;
	char pr_fname[16];
	char pr_psargs[80];
	int pr_wstat;
	int pr_argc;
	uintptr_t pr_argv;
	uintptr_t pr_envp;
	char pr_dmodel;
	taskid_t pr_taskid;
	dprojid_t pr_projid;
	int pr_nzomb;
	poolid_t pr_poolid;
	zoneid_t pr_zoneid;
	id_t pr_contract;
	lwpsinfo_t pr_lwp;
} psinfo_t;

/* Of a task's process: group (2), session (3). */
inline pid_t __pid_of[struct task_struct *T, int kind] =
    ((struct upid *)&((struct pid **)&T->signal->pids)[kind]->numbers)->nr;

/* Bit 29 of a task's flags: its addresses have 32 bits. */
inline char __model_of[struct task_struct *T] =
    (T->thread_info.flags & (1 << 29)) != 0 ? PR_MODEL_ILP32 : PR_MODEL_LP64;

translator psinfo_t < struct task_struct *T > {
	pr_nlwp = 1;
	pr_pid = T->tgid;
	pr_ppid = T->real_parent->tgid;
	pr_pgid = __pid_of[T, 2];
	pr_sid = __pid_of[T, 3];
	pr_uid = T->cred->uid.val;
	pr_euid = T->cred->euid.val;
	pr_gid = T->cred->gid.val;
	pr_egid = T->cred->egid.val;
	pr_addr = (uintptr_t)T;
	pr_ttydev = T->signal->tty != NULL ? (struct tty_struct *)T->signal->tty : (struct tty_struct *)-1;
	pr_fname = T->comm;
	pr_wstat = 0;
	pr_dmodel = __model_of[T];
	pr_taskid = 0;
	pr_projid = 0;
	pr_nzomb = 0;
	pr_poolid = 0;
	pr_zoneid = 0;
	pr_contract = 0;
};

/* A task's state word: 0 running, 1 and 2 sleeping, 4 and 8 stopped, 0x10 and 0x20 gone. */
inline char __state_of[struct task_struct *T] =
    T->__state & 0x30 ? SZOMB : T->__state & 0xc ? SSTOP : T->__state & 3 ? SSLEEP : T->on_cpu ? SONPROC : SRUN;
inline char __sname_of[struct task_struct *T] =
    T->__state & 0x30 ? 'Z' : T->__state & 0xc ? 'T' : T->__state & 2 ? 'W' : T->__state & 1 ? 'S' : 'R';

translator lwpsinfo_t < struct task_struct *T > {
	pr_flag = T->__state & 0xc ? PR_STOPPED : 0;
	pr_lwpid = T->pid;
	pr_addr = (uintptr_t)T;
	pr_wchan = 0;
	pr_stype = 0;
	pr_state = __state_of[T];
	pr_sname = __sname_of[T];
	pr_pri = T->prio;
	pr_name = T->comm;
	pr_onpro = T->thread_info.cpu;
};

/*
 * The thread that fires. What the firing itself says is taken from there: it needs no look into the kernel, and is
 * there when the kernel's memory is not.
 */
struct __firing_task {
	uintptr_t task;
};

translator psinfo_t < struct __firing_task *F > {
	pr_nlwp = 1;
	pr_pid = pid;
	pr_ppid = ppid;
	pr_pgid = __pid_of[(struct task_struct *)F, 2];
	pr_sid = __pid_of[(struct task_struct *)F, 3];
	pr_uid = uid;
	pr_euid = ((struct task_struct *)F)->cred->euid.val;
	pr_gid = gid;
	pr_egid = ((struct task_struct *)F)->cred->egid.val;
	pr_addr = (uintptr_t)F;
	pr_ttydev = ((struct task_struct *)F)->signal->tty != NULL ?
	    (struct tty_struct *)((struct task_struct *)F)->signal->tty : (struct tty_struct *)-1;
	pr_fname = execname;
	pr_wstat = 0;
	pr_dmodel = __model_of[(struct task_struct *)F];
	pr_taskid = 0;
	pr_projid = 0;
	pr_nzomb = 0;
	pr_poolid = 0;
	pr_zoneid = 0;
	pr_contract = 0;
};

translator lwpsinfo_t < struct __firing_task *F > {
	pr_flag = 0;
	pr_lwpid = tid;
	pr_addr = (uintptr_t)F;
	pr_wchan = 0;
	pr_stype = 0;
	pr_state = SONPROC;
	pr_sname = 'R';
	pr_pri = ((struct task_struct *)F)->prio;
	pr_name = execname;
	pr_onpro = cpu;
};

inline psinfo_t *curpsinfo = xlate<psinfo_t *>((struct __firing_task *)curthread);
inline lwpsinfo_t *curlwpsinfo = xlate<lwpsinfo_t *>((struct __firing_task *)curthread);
